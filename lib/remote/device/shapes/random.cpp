#include <ATen/ExpandUtils.h>

#include <remote/device/shapes/common.h>
#include <remote/device/shapes/tables.h>

namespace remote::device::shapes {
namespace {

/// native_dropout(input, p, train) -> (output, mask)
bool native_dropout(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& input = tensor_at(query, 0);
  if (input.numel() == 0) return on_cpu(query) && returns_like<0, 0>(query, out);
  const OutputSpec mask = dense_like(input, ScalarType::Bool);
  const bool drops = is_none(query, 2) || bool_at(query, 2);
  if (!drops || !on_cpu(query)) return returns(out, {dense_like(input), mask});
  return returns(out, {elementwise({input, mask}, input.scalar_type()), mask});
}

/// native_dropout_backward(grad_output, mask, scale): grad x (mask as grad's dtype x scale), a real number
bool native_dropout_backward(const ShapeQuery& query, OutputSpecs& out) {
  if (!on_cpu(query)) return returns_like<0>(query, out);
  const Tensor& grad = tensor_at(query, 0);
  const ScalarType dtype = floating(grad.scalar_type());
  const OutputSpec scaled_mask = elementwise({converted(tensor_at(query, 1), dtype), kNumber}, dtype);
  return returns(out, {elementwise({grad, scaled_mask}, dtype)});
}

/// binomial(count, prob, generator)
bool binomial(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& count = tensor_at(query, 0);
  const at::DimVector sizes = at::infer_size_dimvector(count.sizes(), tensor_at(query, 1).sizes());
  return returns(out, {contiguous(sizes, count.scalar_type())});
}

/// multinomial(self, num_samples, replacement, *, generator)
bool multinomial(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 0);
  Dims sizes;
  if (self.dim() == 2) sizes.push_back(self.size(0));
  sizes.push_back(int_at(query, 1));
  return returns(out, {contiguous(sizes, ScalarType::Long)});
}

/// normal.Tensor_Tensor(mean, std, *, generator)
bool normal(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& mean = tensor_at(query, 0);
  return returns(out,
                 {contiguous(at::infer_size_dimvector(mean.sizes(), tensor_at(query, 1).sizes()), mean.scalar_type())});
}

/// normal.Tensor_float_out(mean, std, *, generator, out) and normal.float_Tensor_out: what the tensor and the out,
/// which may be larger, broadcast to.
template <size_t kTensor>
bool normal_out(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& result = tensor_at(query, 3);
  const auto sizes = at::infer_size_dimvector(tensor_at(query, kTensor).sizes(), result.sizes());
  return returns(out, {contiguous(sizes, result.scalar_type())});
}

constexpr NamedRule kRandomRules[] = {
    {"normal.Tensor_float_out", normal_out<0>},
    {"normal.float_Tensor_out", normal_out<1>},
    {"native_dropout", native_dropout},
    {"native_dropout_backward", native_dropout_backward},
    {"bernoulli", returns_contiguous_like<0>},
    {"bernoulli.p", returns_contiguous_like<0>},
    {"bernoulli.Tensor", returns_like<0>},
    {"multinomial", multinomial},
    {"normal.Tensor_Tensor", normal},
    {"normal.Tensor_float", returns_contiguous_like<0>},
    {"normal.float_Tensor", returns_contiguous_like<1>},
    {"poisson", returns_contiguous_like<0>},
    {"binomial", binomial},
    {"_standard_gamma", returns_contiguous_like<0>},
    {"_standard_gamma_grad", returns_contiguous_like<0>},
    {"_sample_dirichlet", returns_contiguous_like<0>},
    {"_dirichlet_grad", returns_contiguous_like<0>},
    {"rrelu_with_noise", returns_contiguous_like<0>},
};

}  // namespace

RuleTable random_rules() {
  return kRandomRules;
}

}  // namespace remote::device::shapes
