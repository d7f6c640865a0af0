# Whether CUDA-only code is compiled: the macro REMOTE_CUDA=1, and libtorch_cuda linked by whatever links LibTorch.
set(REMOTE_CUDA AUTO CACHE STRING "CUDA-only code: ON, OFF, or AUTO (on where LibTorch has CUDA and its headers are found)")
set_property(CACHE REMOTE_CUDA PROPERTY STRINGS AUTO ON OFF)
set(_cuda_remedy
  "pip install nvidia-cuda-runtime, -crt and -cccl of the wheel's CUDA release, or set CUDA_HOME to a toolkit")

if(REMOTE_CUDA STREQUAL "AUTO")
  set(REMOTE_CUDA_ENABLED ${LibTorch_CUDA_FOUND})
  if(LibTorch_CUDA_MISSING)
    message(STATUS "LibTorch has CUDA but ${LibTorch_CUDA_MISSING} was not found: building for the CPU "
      "(${_cuda_remedy})")
  endif()
elseif(REMOTE_CUDA AND NOT LibTorch_CUDA_FOUND)
  if(LibTorch_CUDA_MISSING)
    message(FATAL_ERROR "REMOTE_CUDA=${REMOTE_CUDA}, but ${LibTorch_CUDA_MISSING} was not found: ${_cuda_remedy}")
  endif()
  message(FATAL_ERROR "REMOTE_CUDA=${REMOTE_CUDA}, but LibTorch at ${LibTorch_ROOT_DIR} is a CPU build")
else()
  set(REMOTE_CUDA_ENABLED ${REMOTE_CUDA})
endif()

if(REMOTE_CUDA_ENABLED)
  target_link_libraries(LibTorch::torch INTERFACE LibTorch::cuda)
  add_compile_definitions(REMOTE_CUDA=1)
endif()
message(STATUS "LibTorch ${LibTorch_VERSION} at ${LibTorch_ROOT_DIR}, CUDA: ${REMOTE_CUDA_ENABLED}")
