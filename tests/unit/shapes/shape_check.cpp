#include "tests/unit/shapes/shape_check.h"

#include <ATen/Parallel.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include <numeric>
#include <sstream>

namespace remote::device {
namespace {

using Kind = OutputSpec::Kind;

c10::OperatorHandle find_op(const std::string& op) {
  const size_t dot = op.find('.');
  const std::string name = "aten::" + op.substr(0, dot);
  return c10::Dispatcher::singleton().findSchemaOrThrow(name.c_str(), dot == op.npos ? "" : op.substr(dot + 1).c_str());
}

void fill_defaults(const c10::OperatorHandle& op, Values& arguments) {
  const auto& schema = op.schema().arguments();
  ASSERT_LE(arguments.size(), schema.size());
  for (size_t i = arguments.size(); i < schema.size(); ++i) {
    ASSERT_TRUE(schema[i].default_value().has_value()) << "argument " << schema[i].name() << " has no default";
    arguments.push_back(*schema[i].default_value());
  }
}

std::string describe(const c10::IValue& value) {
  std::ostringstream text;
  if (value.isTensor() && !value.toTensor().defined()) {
    text << "undefined";
  } else if (value.isTensor()) {
    const at::Tensor& tensor = value.toTensor();
    text << tensor.scalar_type() << tensor.sizes() << '/' << tensor.strides();
  } else if (value.isTensorList()) {
    text << '[';
    for (const at::Tensor& tensor : value.toTensorVector()) text << describe(tensor) << ' ';
    text << ']';
  } else {
    text << value;
  }
  return text.str();
}

std::string describe(const std::string& op, const Values& arguments) {
  std::string text = "aten::" + op + "(";
  for (const auto& argument : arguments) text += describe(argument) + ", ";
  return text + ")";
}

std::string describe(const OutputSpec& spec) {
  std::ostringstream text;
  if (spec.kind == Kind::kUndefined) return "undefined";
  if (spec.kind == Kind::kOpaque) return "opaque";
  text << spec.dtype << at::IntArrayRef(spec.sizes) << '/' << at::IntArrayRef(spec.strides);
  return text.str();
}

/// The tensors that an op returned, lists taken apart.
std::vector<at::Tensor> run(const c10::OperatorHandle& op, const Values& arguments) {
  torch::jit::Stack stack(arguments.begin(), arguments.end());
  at::AutoDispatchBelowAutograd below_autograd;
  op.callBoxed(&stack);
  std::vector<at::Tensor> results;
  for (const auto& value : stack) {
    if (value.isTensorList()) {
      for (const auto& tensor : value.toTensorVector()) results.push_back(tensor);
    } else {
      results.push_back(value.isTensor() ? value.toTensor() : at::Tensor());
    }
  }
  return results;
}

void compare(const OutputSpecs& specs, const std::vector<at::Tensor>& results) {
  ASSERT_EQ(specs.size(), results.size());
  for (size_t i = 0; i < specs.size(); ++i) {
    if (specs[i].kind == Kind::kOpaque) {
      EXPECT_TRUE(results[i].defined()) << "output " << i;
      continue;
    }
    EXPECT_EQ(describe(specs[i]), describe(results[i])) << "output " << i;
  }
}

/// A worker that takes this process's kernels.
wire::Hardware hardware(c10::DeviceType device) {
  return {device, static_cast<uint32_t>(at::get_num_threads()), {at::kFloat, at::kBFloat16}};
}

bool ask_rule(const std::string& op, const Values& arguments, c10::DeviceType device, OutputSpecs& specs) {
  const ShapeRule rule = find_shape_rule(find_op(op).operator_name());
  if (rule == nullptr) {
    ADD_FAILURE() << "no rule";
    return false;
  }
  const wire::Hardware worker = hardware(device);
  return rule({arguments, worker}, specs);
}

/// `outs`: how many of the last arguments are the outputs; 0 where the returns are.
void check_call(const std::string& op, Values arguments, size_t outs) {
  const c10::OperatorHandle handle = find_op(op);
  fill_defaults(handle, arguments);
  SCOPED_TRACE(describe(op, arguments));
  OutputSpecs specs;
  try {
    EXPECT_TRUE(ask_rule(op, arguments, c10::DeviceType::CPU, specs)) << "left to the worker";
    if (outs == 0) return compare(specs, run(handle, arguments));
    run(handle, arguments);
    std::vector<at::Tensor> results;
    for (size_t i = arguments.size() - outs; i < arguments.size(); ++i) results.push_back(arguments[i].toTensor());
    compare(specs, results);
  } catch (const std::exception& error) {
    ADD_FAILURE() << error.what();
  }
}

}  // namespace

void check(const std::string& op, Values arguments) {
  check_call(op, std::move(arguments), 0);
}

void check_out(const std::string& op, Values arguments) {
  size_t outs = 0;
  for (const auto& argument : find_op(op).schema().arguments()) outs += argument.is_out() ? 1 : 0;
  ASSERT_GT(outs, 0u);
  check_call(op, std::move(arguments), outs);
}

void check_unknown(const std::string& op, Values arguments, c10::DeviceType worker) {
  fill_defaults(find_op(op), arguments);
  SCOPED_TRACE(describe(op, arguments));
  OutputSpecs specs;
  EXPECT_FALSE(ask_rule(op, arguments, worker, specs));
}

OutputSpecs foretold(const std::string& op, Values arguments, c10::DeviceType worker) {
  fill_defaults(find_op(op), arguments);
  SCOPED_TRACE(describe(op, arguments));
  OutputSpecs specs;
  EXPECT_TRUE(ask_rule(op, arguments, worker, specs));
  return specs;
}

at::Tensor filled(at::IntArrayRef sizes, at::ScalarType dtype) {
  if (c10::isIntegralType(dtype, true)) return at::randint(0, 5, sizes).to(dtype);
  return (at::rand(sizes) * 0.8 + 0.1).to(dtype);
}

std::vector<at::Tensor> some_layouts(at::IntArrayRef sizes, at::ScalarType dtype) {
  std::vector<at::Tensor> tensors = layouts(sizes, dtype);
  if (tensors.size() > 4) tensors.resize(4);
  return tensors;
}

namespace {

/// Channels last to the letter: where a size is 1, contiguous(ChannelsLast) leaves a row-major tensor as it is.
at::Tensor channels_innermost(const at::Tensor& plain) {
  Ints strides(static_cast<size_t>(plain.dim()));
  int64_t next = plain.size(1);
  strides[1] = 1;
  for (int64_t dim = plain.dim() - 1; dim != 1; dim = dim == 2 ? 0 : dim - 1) {
    strides[static_cast<size_t>(dim)] = next;
    next *= plain.size(dim);
    if (dim == 0) break;
  }
  return plain.as_strided(plain.sizes(), strides);
}

}  // namespace

std::vector<at::Tensor> layouts(at::IntArrayRef sizes, at::ScalarType dtype) {
  const auto rank = static_cast<int64_t>(sizes.size());
  const at::Tensor plain = filled(sizes, dtype);
  std::vector<at::Tensor> tensors{plain};
  if (rank == 0) return tensors;

  Ints wide = sizes.vec();
  wide.back() *= 2;
  tensors.push_back(filled(wide, dtype).slice(-1, 0, std::nullopt, 2));
  if (rank >= 2) {
    Ints rotation(static_cast<size_t>(rank));
    std::iota(rotation.begin(), rotation.end(), 1);
    rotation.back() = 0;
    Ints inverse(rotation.size());
    for (size_t i = 0; i < rotation.size(); ++i) inverse[static_cast<size_t>(rotation[i])] = static_cast<int64_t>(i);
    tensors.push_back(plain.transpose(-1, -2).contiguous().transpose(-1, -2));
    tensors.push_back(plain.permute(rotation).contiguous().permute(inverse));
    tensors.push_back(filled(wide, dtype).narrow(-1, 0, sizes.back()));
  }
  if (rank >= 3 && plain.numel() > 0) tensors.push_back(channels_innermost(plain));
  if (sizes[0] > 0) tensors.push_back(plain.narrow(0, 0, 1).expand(sizes));
  tensors.push_back(plain.narrow(-1, 0, std::min<int64_t>(1, sizes.back())).expand(sizes));
  if (rank == 4 || rank == 5) {
    const auto format = rank == 4 ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::ChannelsLast3d;
    tensors.push_back(plain.contiguous(format));
    tensors.push_back(filled(wide, dtype).contiguous(format).slice(-1, 0, std::nullopt, 2));
    tensors.push_back(plain.contiguous(format).transpose(-1, -2).contiguous().transpose(-1, -2));
  }
  if (rank >= 2 && sizes[0] == 1) {
    Ints strides = plain.strides().vec();
    strides[0] = 7;
    tensors.push_back(plain.as_strided(sizes, strides));
  }
  return tensors;
}

}  // namespace remote::device
