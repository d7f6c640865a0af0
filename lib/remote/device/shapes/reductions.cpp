#include <remote/device/shapes/common.h>
#include <remote/device/shapes/tables.h>

namespace remote::device::shapes {
namespace {

/// std.correction(self, dim, *, correction, keepdim), var alike
OutputSpec spread(const ShapeQuery& query) {
  const Tensor& self = tensor_at(query, 0);
  return contiguous(reduced_sizes(self.sizes(), ints_at(query, 1), bool_at(query, 3)), real(self.scalar_type()));
}

bool spread_only(const ShapeQuery& query, OutputSpecs& out) {
  return returns(out, {spread(query)});
}

/// std_mean.correction -> (std, mean): the mean of complex numbers is complex.
bool spread_and_mean(const ShapeQuery& query, OutputSpecs& out) {
  const OutputSpec first = spread(query);
  return returns(out, {first, contiguous(first.sizes, tensor_at(query, 0).scalar_type())});
}

/// prod(self, *, dtype)
bool prod(const ShapeQuery& query, OutputSpecs& out) {
  return returns(out, {contiguous({}, dtype_at(query, 1, summed(tensor_at(query, 0).scalar_type())))});
}

/// nansum(self, dim, keepdim, *, dtype)
bool nansum(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 0);
  return returns(out, {contiguous(reduced_sizes(self.sizes(), ints_at(query, 1), bool_at(query, 2)),
                                  dtype_at(query, 3, summed(self.scalar_type())))});
}

/// count_nonzero.dim_IntList(self, dim)
bool count_nonzero(const ShapeQuery& query, OutputSpecs& out) {
  return returns(out,
                 {contiguous(reduced_sizes(tensor_at(query, 0).sizes(), ints_at(query, 1), false), ScalarType::Long)});
}

/// (self, dim, keepdim) -> both of the dtype of self
bool extremes(const ShapeQuery& query, OutputSpecs& out) {
  const Tensor& self = tensor_at(query, 0);
  const OutputSpec extreme =
      contiguous(reduced_sizes(self.sizes(), ints_at(query, 1), bool_at(query, 2)), self.scalar_type());
  return returns(out, {extreme, extreme});
}

bool all_extremes(const ShapeQuery& query, OutputSpecs& out) {
  const OutputSpec extreme = contiguous({}, tensor_at(query, 0).scalar_type());
  return returns(out, {extreme, extreme});
}

constexpr NamedRule kReductionsRules[] = {
    {"prod", prod},
    {"nansum", nansum},
    {"max", returns_scalar<0>},
    {"min", returns_scalar<0>},
    {"median", returns_scalar<0>},
    {"nanmedian", returns_scalar<0>},
    {"_aminmax", all_extremes},
    {"_aminmax.dim", extremes},
    {"count_nonzero.dim_IntList", count_nonzero},
    {"std.correction", spread_only},
    {"var.correction", spread_only},
    {"std_mean.correction", spread_and_mean},
    {"var_mean.correction", spread_and_mean},
    {"_logcumsumexp", returns_contiguous_like<0>},
    {"_cummax_helper", returns_nothing},
    {"_cummin_helper", returns_nothing},
};

}  // namespace

RuleTable reductions_rules() {
  return kReductionsRules;
}

}  // namespace remote::device::shapes
