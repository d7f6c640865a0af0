# The build stops when an include goes up the layers. Runs again only when a source file or a folder has changed.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
set(_layers_stamp "${CMAKE_BINARY_DIR}/layers.stamp")
add_custom_command(OUTPUT "${_layers_stamp}"
  COMMAND "${Python3_EXECUTABLE}" "${PROJECT_SOURCE_DIR}/scripts/check_layers.py" --root "${PROJECT_SOURCE_DIR}"
    --stamp "${_layers_stamp}" --depfile "${_layers_stamp}.d"
  DEPENDS "${PROJECT_SOURCE_DIR}/scripts/check_layers.py" "${PROJECT_SOURCE_DIR}/cmake/layers.json"
  DEPFILE "${_layers_stamp}.d"
  COMMENT "Checking the layers" VERBATIM)
add_custom_target(check_layers ALL DEPENDS "${_layers_stamp}")
