#pragma once
#include <c10/util/ArrayRef.h>

#include <string_view>

#include <remote/device/checks/argument_check.h>

namespace remote::device::checks {

/// `op` is the base name within the namespace aten, of all its overloads.
struct NamedCheck {
  std::string_view op;
  ArgumentCheck check;
};
using CheckTable = c10::ArrayRef<NamedCheck>;

// One table for each family of ops, in the file of that name. Static data, valid for the life of the process.
CheckTable elementwise_checks();
CheckTable images_checks();
CheckTable indexing_checks();
CheckTable linear_algebra_checks();
CheckTable losses_checks();
CheckTable random_checks();
CheckTable reductions_checks();

/// Of all ops on lists whose names begin with "_foreach_".
void foreach (const c10::FunctionSchema& schema, c10::ArrayRef<c10::IValue> arguments);

}  // namespace remote::device::checks
