# cmake --install: programs, the shared library, its public headers, and the package that find_package(RemoteTorch) reads.
include(CMakePackageConfigHelpers)

# `programs` is what `make build` makes: the programs and the library, no tests and no benchmarks.
add_custom_target(programs)
set(REMOTE_PROGRAMS "")
foreach(_program rt-train rt-eval rt-predict rt-worker)
  if(TARGET ${_program})
    list(APPEND REMOTE_PROGRAMS ${_program})
    add_dependencies(programs ${_program})
  endif()
endforeach()
install(TARGETS ${REMOTE_PROGRAMS} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")

if(TARGET remote)
  add_dependencies(programs remote)
  set(_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/RemoteTorch")
  install(TARGETS remote EXPORT RemoteTorchTargets
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
  install(EXPORT RemoteTorchTargets NAMESPACE RemoteTorch:: DESTINATION "${_package_dir}")

  # Which headers are private is said once, for the layer check and for this.
  file(READ "${PROJECT_SOURCE_DIR}/cmake/layers.json" _layers)
  string(JSON _count LENGTH "${_layers}" private_headers)
  set(_private "")
  math(EXPR _last "${_count} - 1")
  foreach(_index RANGE ${_last})
    string(JSON _folder GET "${_layers}" private_headers ${_index})
    string(REGEX REPLACE "^lib/" "" _folder "${_folder}")
    list(APPEND _private REGEX "/${_folder}(/|$)" EXCLUDE)
  endforeach()
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/lib/remote" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
    FILES_MATCHING PATTERN "*.h" ${_private})

  configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/RemoteTorchConfig.cmake.in"
    "${CMAKE_BINARY_DIR}/RemoteTorchConfig.cmake" INSTALL_DESTINATION "${_package_dir}" NO_SET_AND_CHECK_MACRO)
  write_basic_package_version_file("${CMAKE_BINARY_DIR}/RemoteTorchConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
  install(FILES "${CMAKE_BINARY_DIR}/RemoteTorchConfig.cmake" "${CMAKE_BINARY_DIR}/RemoteTorchConfigVersion.cmake"
    "${CMAKE_CURRENT_LIST_DIR}/FindLibTorch.cmake" DESTINATION "${_package_dir}")
endif()

install(DIRECTORY "${PROJECT_SOURCE_DIR}/configs" DESTINATION "${CMAKE_INSTALL_DATADIR}/remotetorch")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" "${PROJECT_SOURCE_DIR}/README.md" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
