#include <ATen/Dispatch.h>
#include <ATen/ExpandUtils.h>

#include <limits>
#include <optional>
#include <utility>

#include <remote/device/checks/common.h>
#include <remote/device/checks/tables.h>

namespace remote::device::checks {
namespace {

/// Of an op that fills self with real or complex numbers.
void has_kernel(const Schema& schema, Arguments arguments) {
  const ScalarType dtype = tensor_at(arguments, 0).scalar_type();
  TORCH_CHECK_NOT_IMPLEMENTED(!c10::isIntegralType(dtype, /*includeBool=*/true), schema.name(),
                              ": expected a floating-point or complex dtype, but got ", dtype,
                              "; convert the tensor with .to(...)");
}

/// Of a distribution that is continuous.
void is_continuous(const Schema& schema, Arguments arguments) {
  const ScalarType dtype = tensor_at(arguments, 0).scalar_type();
  TORCH_CHECK(c10::isFloatingType(dtype), schema.name(),
              " fills a tensor from a continuous probability distribution: "
              "expected a floating-point dtype, but got ",
              dtype, "; convert the tensor with .to(...)");
}

/// normal_(self, mean, std), and normal(mean, std) where std is a number
void normal(const Schema& schema, Arguments arguments) {
  is_writable(schema, arguments);
  const bool in_place = schema.name().ends_with('_');
  if (in_place && tensor_at(arguments, 0).numel() > 0) has_kernel(schema, arguments);
  const auto out = dtype_of_out(schema, arguments);
  TORCH_CHECK_NOT_IMPLEMENTED(!out || !c10::isIntegralType(*out, /*includeBool=*/true), schema.name(),
                              ": not implemented for '", *out, "'; pass an out of a floating-point or complex dtype");
  const size_t place = in_place ? 2 : 1;
  if (arguments[place].isTensor()) {
    TORCH_CHECK(!arguments[place].toTensor().is_complex(), "normal expects standard deviation to be non-complex");
    return;
  }
  const double deviation = number_at(arguments, place);
  TORCH_CHECK(deviation >= 0, schema.name(), " expects std >= 0.0, but found std ", deviation);
}

double largest_number(ScalarType floating) {
  return AT_DISPATCH_FLOATING_TYPES_AND2(at::kHalf, at::kBFloat16, floating, "uniform_",
                                         [] { return static_cast<double>(std::numeric_limits<scalar_t>::max()); });
}

void uniform(const Schema& schema, Arguments arguments) {
  is_writable(schema, arguments);
  has_kernel(schema, arguments);
  const double from = number_at(arguments, 1), to = number_at(arguments, 2);
  TORCH_CHECK(from <= to, schema.name(), " expects to return a [from, to) range, but found from=", from, " > to=", to);
  if (tensor_at(arguments, 0).is_complex() && tensor_at(arguments, 0).numel() == 0) return;
  const ScalarType dtype = c10::toRealValueType(tensor_at(arguments, 0).scalar_type());
  const double largest = largest_number(dtype);
  TORCH_CHECK(from >= -largest && from <= largest, "from is out of bounds for ", dtype, ": ", from);
  TORCH_CHECK(to >= -largest && to <= largest, "to is out of bounds for ", dtype, ": ", to);
  TORCH_CHECK(to - from <= largest, schema.name(), " expects to-from <= std::numeric_limits<", dtype,
              ">::max(), but found to=", to, " and from=", from, "; scale what a narrower range gives");
}

/// The least and the largest number of an integral dtype that is narrower than a bound.
std::optional<std::pair<int64_t, int64_t>> range_of(ScalarType dtype) {
  const auto limits = [](auto zero) {
    using Number = decltype(zero);
    return std::pair<int64_t, int64_t>(std::numeric_limits<Number>::min(), std::numeric_limits<Number>::max());
  };
  switch (dtype) {
    case at::kBool:
      return limits(false);
    case at::kByte:
      return limits(uint8_t{0});
    case at::kChar:
      return limits(int8_t{0});
    case at::kShort:
      return limits(int16_t{0});
    case at::kInt:
      return limits(int32_t{0});
    default:
      return std::nullopt;
  }
}

/// random_(self, from, to) or random_(self, to)
void random(const Schema& schema, Arguments arguments) {
  is_writable(schema, arguments);
  TORCH_CHECK(!tensor_at(arguments, 0).is_complex(), schema.name(),
              " handles only integral, floating-point and boolean types, got ", tensor_at(arguments, 0).scalar_type());
  const bool has_from = schema.overload_name() == "from";
  if (!(has_from ? arguments[2].isInt() : schema.overload_name() == "to")) return;
  const int64_t from = has_from ? arguments[1].toInt() : 0, to = arguments[has_from ? 2 : 1].toInt();
  TORCH_CHECK(from < to, schema.name(), " expects 'from' to be less than 'to', but got from=", from, " >= to=", to);
  const ScalarType dtype = tensor_at(arguments, 0).scalar_type();
  if (const auto range = range_of(dtype)) {
    TORCH_CHECK(from >= range->first && from <= range->second, "from is out of bounds for ", dtype, ": ", from);
    TORCH_CHECK(to - 1 <= range->second, "to - 1 is out of bounds for ", dtype, ": ", to - 1);
  }
}

template <size_t kPlace>
void has_positive(const Schema& schema, Arguments arguments) {
  is_writable(schema, arguments);
  const double value = number_at(arguments, kPlace);
  TORCH_CHECK(value > 0, schema.name(), " expects ", schema.arguments()[kPlace].name(), " > 0.0, but found ", value);
}

void exponential(const Schema& schema, Arguments arguments) {
  has_positive<1>(schema, arguments);
  if (tensor_at(arguments, 0).numel() > 0) is_continuous(schema, arguments);
}

void cauchy(const Schema& schema, Arguments arguments) {
  has_positive<2>(schema, arguments);
  is_continuous(schema, arguments);
}

void geometric(const Schema& schema, Arguments arguments) {
  is_writable(schema, arguments);
  const double p = number_at(arguments, 1);
  TORCH_CHECK(p > 0 && p < 1, schema.name(), " expects p to be in (0, 1), but got p=", p);
}

/// native_dropout(input, p, train)
void dropout(const Schema& schema, Arguments arguments) {
  const ScalarType dtype = tensor_at(arguments, 0).scalar_type();
  TORCH_CHECK(!c10::isIntegralType(dtype, /*includeBool=*/true), schema.name(),
              ": result type Float can't be cast to the desired output type ", dtype,
              "; convert the input with .to(...)");
}

/// bernoulli_(self, p, generator): p is a tensor or a number.
void bernoulli(const Schema& schema, Arguments arguments) {
  is_writable(schema, arguments);
  if (arguments[1].isTensor()) return is_floating<1>(schema, arguments);
  const double p = number_at(arguments, 1);
  TORCH_CHECK(p >= 0 && p <= 1, schema.name(), " expects p to be in [0, 1], but got p=", p);
}

/// multinomial(self, num_samples, replacement)
void multinomial(const Schema& schema, Arguments arguments) {
  const ScalarType result = dtype_of_out(schema, arguments).value_or(at::kLong);
  TORCH_CHECK(result == at::kLong, "multinomial expects Long tensor out, got: ", result);
  constexpr int64_t kMostCategories = int64_t{1} << 24;  // Float counts no further
  has_floating_dtype<0>(schema, arguments);
  const Tensor& weights = tensor_at(arguments, 0);
  const int64_t samples = arguments[1].toInt();
  TORCH_CHECK(weights.dim() == 1 || weights.dim() == 2, "prob_dist must be 1 or 2 dim, got ", weights.sizes());
  TORCH_CHECK(weights.size(-1) <= kMostCategories, "number of categories cannot exceed 2^24, got ", weights.size(-1));
  TORCH_CHECK(samples > 0, "cannot sample n_sample <= 0 samples, got ", samples);
  TORCH_CHECK(arguments[2].toBool() || samples <= weights.size(-1),
              "cannot sample n_sample > prob_dist.size(-1) "
              "samples without replacement, got ",
              samples, " of ", weights.size(-1), "; pass replacement=true");
}

/// binomial(count, prob)
void binomial(const Schema&, Arguments arguments) {
  (void)at::infer_size(tensor_at(arguments, 0).sizes(), tensor_at(arguments, 1).sizes());
}

/// randperm.generator_out(n, *, generator, out)
void randperm(const Schema& schema, Arguments arguments) {
  const auto out = dtype_of_out(schema, arguments);
  if (!out) return;
  const int64_t count = arguments[0].toInt();
  const ScalarType dtype = *out;
  TORCH_CHECK_NOT_IMPLEMENTED(dtype != at::kBool && !c10::isComplexType(dtype), schema.name(),
                              ": not implemented for '", dtype, "'; pass a dtype of numbers in a row");
  const auto range = range_of(dtype);
  TORCH_CHECK(!range || count - 1 <= range->second, schema.name(), ": value cannot be converted to type ", dtype,
              " without overflow: ", count - 1, "; pass a wider dtype");
}

constexpr NamedCheck kRandomChecks[] = {
    {"randperm", randperm},
    {"rrelu_with_noise_", is_writable},
    {"poisson", is_floating<0>},
    {"normal_", normal},
    {"normal", normal},
    {"log_normal_", has_positive<2>},
    {"cauchy_", cauchy},
    {"exponential_", exponential},
    {"geometric_", geometric},
    {"uniform_", uniform},
    {"random_", random},
    {"bernoulli_", bernoulli},
    {"native_dropout", dropout},
    {"binomial", binomial},
    {"multinomial", multinomial},
    {"_standard_gamma_grad", are_factors<0, 1>},
    {"_dirichlet_grad", are_factors<0, 1, 2>},
};

}  // namespace

CheckTable random_checks() {
  return kRandomChecks;
}

}  // namespace remote::device::checks
