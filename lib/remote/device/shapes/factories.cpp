#include <ATen/native/RangeUtils.h>
#include <ATen/native/TensorFactories.h>

#include <remote/device/shapes/common.h>
#include <remote/device/shapes/tables.h>

namespace remote::device::shapes {
namespace {

/// arange.start_out(start, end, step, *, out): whole steps up to, and without, the end.
bool arange(const ShapeQuery& query, OutputSpecs& out) {
  const auto number = [&](size_t place) { return query.arguments[place].toScalar(); };
  const ScalarType dtype = tensor_at(query, 3).scalar_type();
  const auto count =
      dtype == ScalarType::Long ? at::native::compute_arange_size<int64_t> : at::native::compute_arange_size<double>;
  return returns(out, {contiguous({count(number(0), number(1), number(2))}, dtype)});
}

/// range.out(start, end, step, *, out): the end included.
bool range(const ShapeQuery& query, OutputSpecs& out) {
  const auto number = [&](size_t place) { return query.arguments[place].toScalar(); };
  at::native::arange_check_bounds(number(0), number(1), number(2));
  const double count = (number(1).toDouble() - number(0).toDouble()) / number(2).toDouble() + 1;
  TORCH_CHECK(count >= 0 && count < 0x1p62, "invalid size, possible overflow?");
  return returns(out, {contiguous({static_cast<int64_t>(count)}, tensor_at(query, 3).scalar_type())});
}

/// As many elements as argument kCount says, in the last argument's dtype: linspace.out(start, end, steps, *, out),
/// logspace.out(start, end, steps, base, *, out), randperm.out(n, *, out), randperm.generator_out(n, *, generator, out)
template <size_t kCount>
bool counted(const ShapeQuery& query, OutputSpecs& out) {
  const int64_t count = int_at(query, kCount);
  TORCH_CHECK(count >= 0, "expected a number of elements that is not negative, but got ", count);
  return returns(out, {contiguous({count}, tensor_at(query, query.arguments.size() - 1).scalar_type())});
}

void check_eye(const char* name, int64_t size) {
  TORCH_CHECK(size >= 0, name, " must be greater or equal to 0, got ", size);
}

/// eye.out(n, *, out)
bool square_eye(const ShapeQuery& query, OutputSpecs& out) {
  check_eye("n", int_at(query, 0));
  return returns(out, {contiguous({int_at(query, 0), int_at(query, 0)}, tensor_at(query, 1).scalar_type())});
}

/// eye.m_out(n, m, *, out)
bool eye(const ShapeQuery& query, OutputSpecs& out) {
  check_eye("n", int_at(query, 0));
  check_eye("m", int_at(query, 1));
  return returns(out, {contiguous({int_at(query, 0), int_at(query, 1)}, tensor_at(query, 2).scalar_type())});
}

void check_rectangle(const ShapeQuery& query) {
  TORCH_CHECK(int_at(query, 0) >= 0, "row must be non-negative, got ", int_at(query, 0));
  TORCH_CHECK(int_at(query, 1) >= 0, "col must be non-negative, got ", int_at(query, 1));
}

/// A row of row numbers, and one of column numbers.
OutputSpec indices(const ShapeQuery& query, int64_t count) {
  const ScalarType dtype = dtype_at(query, 3, ScalarType::Long);
  TORCH_CHECK_NOT_IMPLEMENTED(dtype == ScalarType::Long || dtype == ScalarType::Int || !on_cpu(query),
                              "indices of a triangle: not implemented for '", dtype,
                              "' on a CPU worker; pass dtype Long or Int");
  return contiguous({2, count}, dtype);
}

/// tril_indices(row, col, offset, *, dtype, ...)
bool tril_indices(const ShapeQuery& query, OutputSpecs& out) {
  check_rectangle(query);
  const int64_t count = at::native::get_tril_size(int_at(query, 0), int_at(query, 1), int_at(query, 2));
  return returns(out, {indices(query, count)});
}

/// triu_indices(row, col, offset, *, dtype, ...): what tril_indices leaves
bool triu_indices(const ShapeQuery& query, OutputSpecs& out) {
  check_rectangle(query);
  const int64_t rows = int_at(query, 0), columns = int_at(query, 1);
  const int64_t count = rows * columns - at::native::get_tril_size(rows, columns, int_at(query, 2) - 1);
  return returns(out, {indices(query, count)});
}

constexpr NamedRule kFactoriesRules[] = {
    {"arange.start_out", arange},   {"range.out", range},         {"linspace.out", counted<2>},
    {"logspace.out", counted<2>},   {"randperm.out", counted<0>}, {"randperm.generator_out", counted<0>},
    {"eye.out", square_eye},        {"eye.m_out", eye},           {"tril_indices", tril_indices},
    {"triu_indices", triu_indices},
};

}  // namespace

RuleTable factories_rules() {
  return kFactoriesRules;
}

}  // namespace remote::device::shapes
