# remote_add_layer(<layer> SOURCES ... [LINK ...] [PCH aten|torch|none])
#   A folder of the architecture as one static library `remote_<layer>`; the shared library takes them whole.
# remote_add_shared_library(LAYERS <layer>...)
#   Target `remote`, also RemoteTorch::remote: the layers as the one shared library that programs link.
# remote_use_pch(<target> aten|torch|none)
#   One of the two precompiled headers, and several files compiled as one.
# remote_add_program(<name> SOURCES ... [LINK ...] [PCH aten|torch|none])
#   A program in bin/.
# remote_add_test(<name> SOURCES ... [LINK ...] [PCH aten|torch|none] [TIMEOUT s] [LABELS ...] [ENV k=v ...])
#   A GoogleTest program, registered with CTest as one test per program.
include_guard()
find_package(Threads REQUIRED)

# What is installed finds its own library beside itself and LibTorch where it lay at build time. Named, because
# CMAKE_INSTALL_RPATH_USE_LINK_PATH leaves out folders inside the project, and .venv is one.
set(CMAKE_INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}" ${LibTorch_LIBRARY_DIRS})

# Headers seldom change and cost most of a compilation: two precompiled ones serve every target.
foreach(_pch aten torch)
  add_library(remote_pch_${_pch} STATIC "${PROJECT_SOURCE_DIR}/cmake/pch/pch.cpp")
  # With the flags of every target that uses it (-pthread among them), or the compiler silently leaves it out.
  target_link_libraries(remote_pch_${_pch} PUBLIC LibTorch::torch Threads::Threads)
  target_include_directories(remote_pch_${_pch} PUBLIC "${PROJECT_SOURCE_DIR}/lib" "${PROJECT_SOURCE_DIR}")
endforeach()
target_precompile_headers(remote_pch_aten PRIVATE "${PROJECT_SOURCE_DIR}/cmake/pch/aten.h")
target_precompile_headers(remote_pch_torch PRIVATE "${PROJECT_SOURCE_DIR}/cmake/pch/torch.h")

# What a precompiled header leaves to each file (4 s with ATen, 16 s with the C++ frontend, whose inline templates every
# file instantiates anew) is most of a clean build: several files are compiled as one. REMOTE_UNITY=OFF for work on one file.
option(REMOTE_UNITY "Compile several files of a target at once" ON)

function(remote_use_pch target pch)
  if(NOT pch STREQUAL "none")
    target_precompile_headers(${target} REUSE_FROM remote_pch_${pch})
  endif()
  if(REMOTE_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 16)
  endif()
endfunction()

function(remote_add_layer layer)
  cmake_parse_arguments(ARG "" "PCH" "SOURCES;LINK" ${ARGN})
  if(NOT ARG_PCH)
    set(ARG_PCH aten)
  endif()
  add_library(remote_${layer} STATIC ${ARG_SOURCES})
  target_include_directories(remote_${layer} PUBLIC
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/lib>" "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>")
  target_link_libraries(remote_${layer} PUBLIC LibTorch::torch Threads::Threads ${ARG_LINK})
  remote_use_pch(remote_${layer} ${ARG_PCH})
endfunction()

function(remote_add_shared_library)
  cmake_parse_arguments(ARG "" "" "LAYERS" ${ARGN})
  list(TRANSFORM ARG_LAYERS PREPEND remote_)
  # By their objects, because a linker takes from a static library only what is referred to: op registrations would be lost.
  # The libraries are named as well for what they need themselves.
  add_library(remote SHARED "${PROJECT_SOURCE_DIR}/cmake/pch/pch.cpp")
  foreach(layer ${ARG_LAYERS})
    target_sources(remote PRIVATE "$<TARGET_OBJECTS:${layer}>")
  endforeach()
  add_library(RemoteTorch::remote ALIAS remote)
  set_target_properties(remote PROPERTIES
    OUTPUT_NAME remotetorch VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  target_link_libraries(remote PRIVATE ${ARG_LAYERS} PUBLIC LibTorch::torch Threads::Threads)
  target_include_directories(remote PUBLIC
    "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/lib>" "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
  # Ordinary LibTorch code names no symbol of ours, only a device: a linker that drops unneeded libraries would drop
  # this one, and with it the device. Named before everything else, because some linkers keep only the first mention.
  target_link_options(remote INTERFACE
    "LINKER:--push-state,--no-as-needed,$<BUILD_INTERFACE:$<TARGET_FILE:remote>>$<INSTALL_INTERFACE:$<TARGET_FILE:RemoteTorch::remote>>,--pop-state")
endfunction()

function(remote_add_program name)
  cmake_parse_arguments(ARG "" "PCH" "SOURCES;LINK" ${ARGN})
  if(NOT ARG_PCH)
    set(ARG_PCH none)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/lib" "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE ${ARG_LINK})
  # The precompiled headers are made with -fPIC, and a program compiled with -fPIE could not use them.
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(${name} PRIVATE -fPIC)
  remote_use_pch(${name} ${ARG_PCH})
endfunction()

function(remote_add_test name)
  cmake_parse_arguments(ARG "SERIAL" "PCH;TIMEOUT" "SOURCES;LINK;LABELS;ENV" ${ARGN})
  if(NOT ARG_PCH)
    set(ARG_PCH aten)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  remote_add_program(${name} SOURCES ${ARG_SOURCES} LINK ${ARG_LINK} LibTorch::torch GTest::gmock_main PCH ${ARG_PCH})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  add_test(NAME ${name} COMMAND ${name})
  # One OpenMP thread a test: two tests with two threads each on two cores run several times slower.
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}"
    ENVIRONMENT "OMP_NUM_THREADS=1;${ARG_ENV}")
  if(ARG_SERIAL)
    set_tests_properties(${name} PROPERTIES RUN_SERIAL ON)
  endif()
endfunction()
