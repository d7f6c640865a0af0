# Installs BUILD_DIR to a prefix below WORK_DIR, then configures, builds and runs PROJECT_DIR against it.
function(run what)
  execute_process(COMMAND ${ARGN} OUTPUT_VARIABLE output ERROR_VARIABLE output RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${what} failed (${status}):\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

# What a stranger's shell doesn't have.
unset(ENV{LIBTORCH_PYTHON})
unset(ENV{VIRTUAL_ENV})
unset(ENV{LD_LIBRARY_PATH})

set(prefix "${WORK_DIR}/prefix")
file(REMOVE_RECURSE "${WORK_DIR}")
run("cmake --install" "${CMAKE_COMMAND}" --install "${BUILD_DIR}" --config "${CONFIG}" --prefix "${prefix}")

foreach(header transport/grpc transport/embedded)
  if(EXISTS "${prefix}/include/remote/${header}")
    message(FATAL_ERROR "private headers were installed: include/remote/${header}")
  endif()
endforeach()

run("configuring the project" "${CMAKE_COMMAND}" -S "${PROJECT_DIR}" -B "${WORK_DIR}/build" -G Ninja
  "-DCMAKE_PREFIX_PATH=${prefix}" "-DCMAKE_BUILD_TYPE=${CONFIG}" "-DCMAKE_CXX_COMPILER=${CXX_COMPILER}")
run("building the project" "${CMAKE_COMMAND}" --build "${WORK_DIR}/build")

run("the program with remote::nn" "${WORK_DIR}/build/with_remote_nn")
if(NOT output MATCHES "trained on remote:0")
  message(FATAL_ERROR "with_remote_nn printed:\n${output}")
endif()
run("the program that only names a device" "${WORK_DIR}/build/device_only")
if(NOT output MATCHES "sum 6 on remote:0")
  message(FATAL_ERROR "device_only printed:\n${output}")
endif()

file(GLOB programs "${prefix}/bin/rt-*")
foreach(program ${programs})
  run("${program} --help" "${program}" --help)
endforeach()
message(STATUS "installed, found, built and run")
