# Defaults that every target shares. All targets use the same flags, so that one precompiled header serves many.
get_property(_remote_multi_config GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
if(NOT _remote_multi_config AND NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Release, Debug, Asan or Tsan" FORCE)
endif()
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")

# -g1 at most: full debug information doubles the time and memory of every file that includes LibTorch.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")
set(CMAKE_CXX_FLAGS_ASAN "-O1 -g1 -fsanitize=address -fno-omit-frame-pointer")
set(CMAKE_CXX_FLAGS_TSAN "-O1 -g1 -fsanitize=thread -fno-omit-frame-pointer")
# -pthread everywhere, because gRPC's packages ask for it: a file compiled with another set of macros than the precompiled
# header silently does without it, and takes four times as long.
add_compile_options(-Wall -Wextra -Wno-unused-parameter -pthread -Werror=invalid-pch)
# Nobody puts functions of their own in the place of the library's, so that it may inline those.
add_compile_options(-fno-semantic-interposition)

if(REMOTE_GRPC)
  add_compile_definitions(REMOTE_GRPC=1)
endif()

find_program(REMOTE_CCACHE ccache)
find_program(REMOTE_ENV env)
if(REMOTE_CCACHE AND REMOTE_ENV AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # The sloppiness that ccache's manual asks for where precompiled headers are used; paths relative to the source
  # folder, so that another build folder or another clone hits the same entries.
  set(CMAKE_CXX_COMPILER_LAUNCHER "${REMOTE_ENV}"
    "CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime"
    "CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}" CCACHE_NOHASHDIR=1 CCACHE_ABSSTDERR=1 "${REMOTE_CCACHE}")
  add_compile_options(-fpch-preprocess)
endif()
