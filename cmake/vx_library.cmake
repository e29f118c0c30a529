# vx_library(NAME [DEPENDS lib ...]): one static library from the sources of the current folder.
#
# What a folder may include is enforced by include paths: everyone sees include/, and its own folder PRIVATEly;
# nothing else. A folder that names another folder's private header does not compile.
function(vx_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS" ${ARGN})
  if(NOT arg_SOURCES)
    file(GLOB arg_SOURCES CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.c ${CMAKE_CURRENT_SOURCE_DIR}/*.S)
  endif()
  if(arg_SOURCES)
    add_library(${name} STATIC ${arg_SOURCES})
  else()
    file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/empty.c "typedef int vx_empty;\n")
    add_library(${name} STATIC ${CMAKE_CURRENT_BINARY_DIR}/empty.c)
  endif()
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR}/include PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${arg_DEPENDS} Threads::Threads)
  set_property(GLOBAL APPEND PROPERTY VX_LIBRARIES ${name}) # for those who look at all of them
endfunction()
