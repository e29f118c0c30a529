# One file that runs on every x86-64 Linux: musl, everything linked in (tools/static).
set(vx_deps static)
include(${CMAKE_CURRENT_LIST_DIR}/deps.cmake)
set(CMAKE_C_COMPILER musl-gcc)
set(CMAKE_EXE_LINKER_FLAGS_INIT "-static")
