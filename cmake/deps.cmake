# What the toolchain files share: libraries come from build/deps/NAME, where tools/deps has put them, and from nowhere else.
# NAME is `vx_deps`, which the including file has set.
get_filename_component(vx_deps_dir ${CMAKE_CURRENT_LIST_DIR}/../build/deps/${vx_deps} ABSOLUTE)
set(CMAKE_FIND_ROOT_PATH ${vx_deps_dir})
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(ENV{PKG_CONFIG_LIBDIR} ${vx_deps_dir}/lib/pkgconfig)
set(CMAKE_C_FLAGS_INIT "-isystem ${vx_deps_dir}/include")
