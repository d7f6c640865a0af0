#pragma once
#include <ATen/core/ivalue.h>
#include <c10/util/FunctionRef.h>

#include <remote/client/session.h>
#include <remote/device/op_info.h>

namespace remote::device {

/// Records one run: settings that changed, the op's definition and the scope's where they are new, then the op and its
/// arguments, then what `end` writes. Throws Error; nothing of the run stays in the stream then.
void record_run(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments, c10::DeviceIndex device,
                c10::function_ref<void(wire::RecordWriter&)> end);

/// The same as a request, which the worker answers.
std::shared_ptr<client::PendingValue> request_run(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments,
                                                  c10::DeviceIndex device,
                                                  c10::function_ref<void(wire::RecordWriter&, uint64_t)> end);

/// Makes the generator among the arguments known to the worker. Before either of the above.
void announce_generator(const OpInfo& info, c10::ArrayRef<c10::IValue> arguments);

}  // namespace remote::device
