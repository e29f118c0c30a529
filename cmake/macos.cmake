# macOS from elsewhere, by zig, which has Apple's headers and links Mach-O: what compiles and links, not what runs
# (tools/hosts). vx_arch is x86_64 or aarch64; zig is the one in PATH.
set(CMAKE_SYSTEM_NAME Darwin)
set(CMAKE_SYSTEM_PROCESSOR ${vx_arch})
set(vx_deps macos-${vx_arch})
include(${CMAKE_CURRENT_LIST_DIR}/deps.cmake)
set(CMAKE_C_COMPILER ${CMAKE_CURRENT_LIST_DIR}/zig/cc-${vx_arch}-macos)
set(CMAKE_AR ${CMAKE_CURRENT_LIST_DIR}/zig/ar CACHE FILEPATH "")
set(CMAKE_RANLIB ${CMAKE_CURRENT_LIST_DIR}/zig/ranlib CACHE FILEPATH "")
# zig brings its own.
set(CMAKE_OSX_SYSROOT "" CACHE STRING "" FORCE)
