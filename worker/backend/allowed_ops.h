#pragma once
#include <string_view>

namespace remote::worker {

/// Whether a worker runs the aten op with this base name ("mm", "add_"; overloads share it). The table holds the name
/// without the underscore of the in-place form, and covers the functional, in-place and out forms. Never in it: ops
/// that touch files, processes or foreign memory, that return memory which nobody has written, sparse and quantized
/// ones.
bool is_allowed_aten_op(std::string_view base_name);

}  // namespace remote::worker
