#[[
Finds LibTorch in a Python wheel or an unpacked LibTorch archive, with or without CUDA.

PyTorch's own TorchConfig.cmake is not used: for a CUDA wheel it demands a CUDA toolkit, which neither compiling
nor linking needs.

Where it looks, first match wins:
  LIBTORCH_ROOT      variable: the folder that holds include/ and lib/libtorch_cpu.so
  LIBTORCH_PYTHON    variable, then environment: a Python that has the package `torch`
  $VIRTUAL_ENV, <source>/.venv, python3 on PATH
A variable that is set must lead to a LibTorch; the other places are tried in turn. The Python that was found is
kept in the cache as LIBTORCH_PYTHON, so that a later configure from another shell finds the same LibTorch.

Defines LibTorch_FOUND, LibTorch_VERSION, LibTorch_ROOT_DIR, LibTorch_CUDA_FOUND, LibTorch_LIBRARY_DIRS (where programs
find the shared libraries at run time) and the targets
  LibTorch::torch    headers and CPU libraries
  LibTorch::cuda     what CUDA code needs beside LibTorch::torch; only where LibTorch_CUDA_FOUND, that is where the wheel
                     has CUDA and the runtime's headers and library are found (else LibTorch_CUDA_MISSING names one that
                     is not). Keeps libtorch_cuda although nothing may refer to it by name
Needs Python 3 only to be told where a package lies; `torch` is never imported.
]]
set(LIBTORCH_ROOT "" CACHE PATH "Folder with LibTorch's include/ and lib/ (default: ask LIBTORCH_PYTHON)")
set(LIBTORCH_PYTHON "" CACHE FILEPATH "Python whose package `torch` is used")

# Sets LibTorch_ROOT_DIR and LibTorch_VERSION when `root` holds a LibTorch that is recent enough.
function(_libtorch_try_root root)
  set(version_header "${root}/include/torch/headeronly/version.h")
  if(NOT EXISTS "${root}/lib/libtorch_cpu.so" OR NOT EXISTS "${version_header}")
    return()
  endif()
  file(STRINGS "${version_header}" parts REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
  string(REGEX REPLACE "[^0-9;]" "" parts "${parts}")
  string(REPLACE ";" "." version "${parts}")
  if(LibTorch_FIND_VERSION AND version VERSION_LESS LibTorch_FIND_VERSION)
    message(STATUS "LibTorch ${version} at ${root} is older than ${LibTorch_FIND_VERSION}: not used")
    return()
  endif()
  set(LibTorch_ROOT_DIR "${root}" PARENT_SCOPE)
  set(LibTorch_VERSION "${version}" PARENT_SCOPE)
endfunction()

function(_libtorch_try_python python)
  execute_process(
    COMMAND "${python}" -c
      "import importlib.util as u; s = u.find_spec('torch'); print(s.submodule_search_locations[0] if s else '')"
    OUTPUT_VARIABLE root OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(failed OR root STREQUAL "")
    return()
  endif()
  _libtorch_try_root("${root}")
  set(LibTorch_ROOT_DIR "${LibTorch_ROOT_DIR}" PARENT_SCOPE)
  set(LibTorch_VERSION "${LibTorch_VERSION}" PARENT_SCOPE)
endfunction()

set(LibTorch_ROOT_DIR "")
set(_libtorch_hint "run scripts/setup.sh, or set LIBTORCH_PYTHON to a Python that has torch, or LIBTORCH_ROOT to LibTorch's folder")
if(LIBTORCH_ROOT)
  _libtorch_try_root("${LIBTORCH_ROOT}")
  set(_libtorch_hint "LIBTORCH_ROOT=${LIBTORCH_ROOT} holds no usable LibTorch")
elseif(LIBTORCH_PYTHON OR DEFINED ENV{LIBTORCH_PYTHON})
  if(NOT LIBTORCH_PYTHON)
    set(LIBTORCH_PYTHON "$ENV{LIBTORCH_PYTHON}" CACHE FILEPATH "" FORCE)
  endif()
  _libtorch_try_python("${LIBTORCH_PYTHON}")
  set(_libtorch_hint "LIBTORCH_PYTHON=${LIBTORCH_PYTHON} has no usable torch: set it to another Python, or install torch there")
else()
  find_program(_libtorch_path_python NAMES python3 NO_CACHE)
  foreach(_libtorch_python
      "$ENV{VIRTUAL_ENV}/bin/python" "${CMAKE_SOURCE_DIR}/.venv/bin/python" "${_libtorch_path_python}")
    if(NOT LibTorch_ROOT_DIR AND EXISTS "${_libtorch_python}")
      _libtorch_try_python("${_libtorch_python}")
      if(LibTorch_ROOT_DIR)
        set(LIBTORCH_PYTHON "${_libtorch_python}" CACHE FILEPATH "" FORCE)
      endif()
    endif()
  endforeach()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch
  REQUIRED_VARS LibTorch_ROOT_DIR VERSION_VAR LibTorch_VERSION REASON_FAILURE_MESSAGE "${_libtorch_hint}")
set(LibTorch_CUDA_FOUND FALSE)
set(LibTorch_CUDA_MISSING "")
if(NOT LibTorch_FOUND)
  return()
endif()
set(LibTorch_LIBRARY_DIRS "${LibTorch_ROOT_DIR}/lib")
if(TARGET LibTorch::cuda)
  set(LibTorch_CUDA_FOUND TRUE)
endif()
if(TARGET LibTorch::torch)
  return()
endif()

function(_libtorch_import name)
  add_library(LibTorch::${name} SHARED IMPORTED)
  set_target_properties(LibTorch::${name} PROPERTIES IMPORTED_LOCATION "${LibTorch_ROOT_DIR}/lib/lib${name}.so")
endfunction()

_libtorch_import(torch_cpu)
_libtorch_import(c10)
add_library(LibTorch::torch INTERFACE IMPORTED)
target_include_directories(LibTorch::torch INTERFACE
  "${LibTorch_ROOT_DIR}/include" "${LibTorch_ROOT_DIR}/include/torch/csrc/api/include")
target_compile_features(LibTorch::torch INTERFACE cxx_std_20)
target_link_libraries(LibTorch::torch INTERFACE LibTorch::torch_cpu LibTorch::c10)

if(NOT EXISTS "${LibTorch_ROOT_DIR}/lib/libtorch_cuda.so")
  return()
endif()

# The CUDA runtime: from the nvidia-* wheels that torch depends on (site-packages/nvidia/cu13, or nvidia/<part> for
# CUDA 12), else from a toolkit. The wheels split the headers: crt/ and nv/ come in packages that torch doesn't ask
# for (nvidia-cuda-crt, nvidia-cuda-cccl).
file(GLOB _libtorch_cuda_roots "${LibTorch_ROOT_DIR}/../nvidia/*")
list(APPEND _libtorch_cuda_roots "$ENV{CUDA_HOME}" /usr/local/cuda)
set(_libtorch_cuda_includes "")
foreach(_libtorch_header cuda_runtime_api.h crt/host_defines.h nv/target)
  find_path(_libtorch_dir "${_libtorch_header}" NO_CACHE NO_DEFAULT_PATH
    PATHS ${_libtorch_cuda_roots} PATH_SUFFIXES include include/cccl)
  if(NOT _libtorch_dir)
    set(LibTorch_CUDA_MISSING "${_libtorch_header}")
    break()
  endif()
  list(APPEND _libtorch_cuda_includes "${_libtorch_dir}")
  unset(_libtorch_dir)
endforeach()
# Other headers that LibTorch's CUDA headers include (cusparse.h, cublas_v2.h, ...) lie beside these.
foreach(_libtorch_dir ${_libtorch_cuda_roots})
  if(EXISTS "${_libtorch_dir}/include")
    list(APPEND _libtorch_cuda_includes "${_libtorch_dir}/include")
  endif()
endforeach()
list(REMOVE_DUPLICATES _libtorch_cuda_includes)
find_library(_libtorch_cudart NAMES libcudart.so.13 libcudart.so.12 cudart NO_CACHE NO_DEFAULT_PATH
  PATHS ${_libtorch_cuda_roots} PATH_SUFFIXES lib lib64)
if(NOT _libtorch_cudart)
  set(LibTorch_CUDA_MISSING libcudart)
endif()
if(LibTorch_CUDA_MISSING)
  return()
endif()

set(LibTorch_CUDA_FOUND TRUE)
get_filename_component(_libtorch_dir "${_libtorch_cudart}" DIRECTORY)
list(APPEND LibTorch_LIBRARY_DIRS "${_libtorch_dir}")
_libtorch_import(torch_cuda)
_libtorch_import(c10_cuda)
add_library(LibTorch::cuda INTERFACE IMPORTED)
target_include_directories(LibTorch::cuda INTERFACE ${_libtorch_cuda_includes})
target_link_libraries(LibTorch::cuda INTERFACE LibTorch::torch_cuda LibTorch::c10_cuda "${_libtorch_cudart}")
target_link_options(LibTorch::cuda INTERFACE
  # Nothing need refer to libtorch_cuda for its registrations to be wanted. Named before everything else, because
  # some linkers keep only the first mention of a library.
  "LINKER:--push-state,--no-as-needed,${LibTorch_ROOT_DIR}/lib/libtorch_cuda.so,--pop-state"
  # cuDNN, cuBLAS, NCCL, ... are found at run time by libtorch_cuda's own RPATH; at link time they needn't be there.
  "LINKER:--allow-shlib-undefined")
