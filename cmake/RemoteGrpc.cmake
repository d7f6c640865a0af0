# gRPC and protobuf from the system, and their headers ahead of the ones that LibTorch's wheel carries.
find_package(Threads REQUIRED)
find_package(Protobuf REQUIRED MODULE)
find_package(gRPC CONFIG REQUIRED)

# CMake drops -isystem /usr/include, and torch/include/google holds an older protobuf: put a folder with a
# link to the system's google/protobuf first.
file(MAKE_DIRECTORY "${CMAKE_BINARY_DIR}/protobuf-first/google")
list(GET Protobuf_INCLUDE_DIRS 0 _protobuf_include)
file(CREATE_LINK "${_protobuf_include}/google/protobuf" "${CMAKE_BINARY_DIR}/protobuf-first/google/protobuf" SYMBOLIC)
set(REMOTE_PROTOBUF_FIRST "${CMAKE_BINARY_DIR}/protobuf-first")
