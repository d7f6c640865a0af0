#include <set>

#include "draws.h"

namespace remote::test {
namespace {

struct RandomOp {
  const char* name;  ///< LibTorch's, without overload
  Draw draw;
};

torch::Tensor rising(const torch::TensorOptions& o, int64_t elements = 60) {
  return torch::linspace(0.05, 0.95, elements, o);
}

/// Two layers of a recurrent network of this many gates, with dropout between them.
struct TwoLayers {
  TwoLayers(const torch::TensorOptions& o, int64_t gates) {
    const auto weight = [&](int64_t rows, int64_t columns) {
      return torch::linspace(-0.5, 0.5, rows * columns, o).reshape({rows, columns});
    };
    const auto bias = [&] { return torch::linspace(-0.1, 0.1, gates * 3, o); };
    input = torch::linspace(-1, 1, 5 * 2 * 4, o).reshape({5, 2, 4});
    hidden = torch::zeros({2, 2, 3}, o);
    parameters = {weight(gates * 3, 4), weight(gates * 3, 3), bias(), bias(),
                  weight(gates * 3, 3), weight(gates * 3, 3), bias(), bias()};
  }
  torch::Tensor input, hidden;
  std::vector<torch::Tensor> parameters;
};

std::vector<RandomOp> random_ops() {
  using O = torch::TensorOptions;
  const auto zeros = [](const O& o) { return torch::zeros({61}, o); };
  const auto cube = [](const O& o) { return torch::linspace(-1, 1, 60, o).reshape({3, 4, 5}); };
  const auto queries = [](const O& o) { return torch::linspace(-1, 1, 48, o).reshape({1, 2, 4, 6}); };
  return {
      {"_sample_dirichlet", [](O o) { return at::_sample_dirichlet(rising(o)); }},
      {"_scaled_dot_product_attention_math",
       [=](O o) {
         const auto q = queries(o);
         return std::get<0>(at::_scaled_dot_product_attention_math(q, q, q, {}, 0.3));
       }},
      {"_standard_gamma", [](O o) { return at::_standard_gamma(rising(o) * 3); }},
      {"alpha_dropout", [=](O o) { return torch::alpha_dropout(cube(o), 0.3, true); }},
      {"alpha_dropout_",
       [=](O o) {
         auto x = cube(o);
         return torch::alpha_dropout_(x, 0.3, true);
       }},
      {"bernoulli", [](O o) { return torch::cat({torch::bernoulli(rising(o)), torch::bernoulli(rising(o), 0.3)}); }},
      {"bernoulli_",
       [=](O o) { return torch::cat({zeros(o).bernoulli_(0.3), torch::zeros({60}, o).bernoulli_(rising(o))}); }},
      {"binomial", [](O o) { return torch::binomial(torch::full({60}, 12., o), rising(o)); }},
      {"cauchy", [=](O o) { return at::cauchy(zeros(o), 1, 2); }},
      {"cauchy_", [=](O o) { return zeros(o).cauchy_(1, 2); }},
      {"dropout", [=](O o) { return torch::dropout(cube(o), 0.4, true); }},
      {"dropout_",
       [=](O o) {
         auto x = cube(o);
         return torch::dropout_(x, 0.4, true);
       }},
      {"exponential", [=](O o) { return at::exponential(zeros(o), 2); }},
      {"exponential_", [=](O o) { return zeros(o.dtype(torch::kDouble)).exponential_(2); }},
      {"feature_alpha_dropout", [=](O o) { return torch::feature_alpha_dropout(cube(o), 0.3, true); }},
      {"feature_alpha_dropout_",
       [=](O o) {
         auto x = cube(o);
         return torch::feature_alpha_dropout_(x, 0.3, true);
       }},
      {"feature_dropout", [=](O o) { return torch::feature_dropout(cube(o), 0.3, true); }},
      {"feature_dropout_",
       [=](O o) {
         auto x = cube(o);
         return torch::feature_dropout_(x, 0.3, true);
       }},
      {"geometric", [=](O o) { return at::geometric(zeros(o), 0.3); }},
      {"geometric_", [=](O o) { return zeros(o.dtype(torch::kLong)).geometric_(0.3); }},
      {"gru",
       [](O o) {
         const TwoLayers r(o, 3);
         return std::get<0>(torch::gru(r.input, r.hidden, r.parameters, true, 2, 0.4, true, false, false));
       }},
      {"log_normal", [=](O o) { return at::log_normal(zeros(o), 1, 2); }},
      {"log_normal_", [=](O o) { return zeros(o).log_normal_(1, 2); }},
      {"lstm",
       [](O o) {
         const TwoLayers r(o, 4);
         return std::get<0>(torch::lstm(r.input, {r.hidden, r.hidden}, r.parameters, true, 2, 0.4, true, false, false));
       }},
      {"multinomial", [](O o) { return torch::cat({rising(o).multinomial(7), rising(o).multinomial(90, true)}); }},
      {"native_dropout", [=](O o) { return std::get<0>(torch::native_dropout(cube(o), 0.3, true)); }},
      {"normal",
       [=](O o) {
         const auto means = rising(o);
         return torch::cat({at::normal(means, means), at::normal(means, 2.), at::normal(2., means),
                            at::normal(1, 2, {61}, std::nullopt, o)});
       }},
      {"normal_", [=](O o) { return torch::cat({zeros(o).normal_(1, 2), torch::zeros({7}, o).normal_()}); }},
      {"normal_functional", [=](O o) { return at::normal_functional(zeros(o), 1, 2); }},
      {"poisson", [](O o) { return torch::poisson(rising(o) * 20); }},
      {"rand", [](O o) { return torch::rand({4, 5}, o.dtype(torch::kDouble)); }},
      {"rand_like", [=](O o) { return torch::rand_like(cube(o)); }},
      {"randint", [](O o) { return torch::cat({torch::randint(9, {40}, o), torch::randint(-5, 1 << 30, {20}, o)}); }},
      {"randint_like",
       [=](O o) { return torch::cat({torch::randint_like(zeros(o), 9), torch::randint_like(zeros(o), -4, 9)}); }},
      {"randn", [](O o) { return torch::cat({torch::randn({3}, o), torch::randn({50}, o)}); }},
      {"randn_like", [=](O o) { return torch::randn_like(cube(o)); }},
      {"random",
       [=](O o) {
         const auto x = zeros(o.dtype(torch::kInt));
         return torch::cat({at::random(x), at::random(x, 9), at::random(x, -4, 9)});
       }},
      {"random_",
       [=](O o) {
         return torch::cat({zeros(o).random_(), zeros(o).random_(9), zeros(o).random_(-4, 9),
                            zeros(o.dtype(torch::kByte)).random_().to(torch::kFloat),
                            zeros(o.dtype(torch::kBool)).random_().to(torch::kFloat)});
       }},
      {"randperm",
       [](O o) {
         return torch::cat({torch::randperm(40, o.dtype(torch::kInt)), torch::randperm(9, o.dtype(torch::kInt))});
       }},
      {"rnn_relu",
       [](O o) {
         const TwoLayers r(o, 1);
         return std::get<0>(torch::rnn_relu(r.input, r.hidden, r.parameters, true, 2, 0.4, true, false, false));
       }},
      {"rnn_tanh",
       [](O o) {
         const TwoLayers r(o, 1);
         return std::get<0>(torch::rnn_tanh(r.input, r.hidden, r.parameters, true, 2, 0.4, true, false, false));
       }},
      {"rrelu", [=](O o) { return torch::rrelu(cube(o), 0.1, 0.4, true); }},
      {"rrelu_",
       [=](O o) {
         auto x = cube(o);
         return torch::rrelu_(x, 0.1, 0.4, true);
       }},
      {"rrelu_with_noise",
       [=](O o) {
         auto noise = torch::zeros({3, 4, 5}, o);
         return torch::stack({at::rrelu_with_noise(cube(o), noise, 0.1, 0.4, true), noise});
       }},
      {"rrelu_with_noise_",
       [=](O o) {
         auto x = cube(o), noise = torch::zeros({3, 4, 5}, o);
         return torch::stack({at::rrelu_with_noise_(x, noise, 0.1, 0.4, true), noise});
       }},
      {"rrelu_with_noise_functional",
       [=](O o) {
         return std::get<1>(at::rrelu_with_noise_functional(cube(o), torch::zeros({3, 4, 5}, o), 0.1, 0.4, true));
       }},
      {"scaled_dot_product_attention",
       [=](O o) {
         const auto q = queries(o);
         return torch::scaled_dot_product_attention(q, q, q, {}, 0.3);
       }},
      {"uniform", [=](O o) { return at::uniform(zeros(o), -1, 3); }},
      {"uniform_",
       [=](O o) {
         return torch::cat({zeros(o).uniform_(-1, 3), torch::zeros({8, 8}, o).t().select(1, 1).uniform_()});
       }},
  };
}

/// Tagged as random by LibTorch, and drawing nothing on a CPU.
const std::set<std::string> kDrawNothing = {
    "_fused_sdp_choice",                                 // names a kernel
    "_scaled_dot_product_flash_attention_for_cpu",       // refuses dropout
    "_scaled_dot_product_fused_attention_overrideable",  // a place for devices; LibTorch has no kernel for it
};

class RandomOps : public Draws, public testing::WithParamInterface<RandomOp> {};

TEST_P(RandomOps, GiveTheBitsOfTheCpuAndLeaveTheGeneratorWhereTheCpuDoes) {
  const auto after = [](torch::TensorOptions o) { return torch::rand({5}, o); };
  EXPECT_TRUE(draws_the_same({GetParam().draw, after, GetParam().draw}));
}

INSTANTIATE_TEST_SUITE_P(All, RandomOps, testing::ValuesIn(random_ops()),
                         [](const auto& info) { return info.param.name; });

bool has_kernel_for_cpu(const c10::OperatorHandle& op) {
  using c10::DispatchKey;
  for (const auto key : {DispatchKey::CPU, DispatchKey::CompositeImplicitAutograd,
                         DispatchKey::CompositeExplicitAutograd, DispatchKey::CompositeExplicitAutogradNonFunctional}) {
    if (op.hasKernelForDispatchKey(key)) return true;
  }
  return false;
}

TEST(RandomOpsOfLibTorch, AreAllTested) {
  std::set<std::string> tested = kDrawNothing;
  for (const auto& op : random_ops()) tested.insert(op.name);
  auto& dispatcher = c10::Dispatcher::singleton();
  for (const auto& name : dispatcher.getAllOpNames()) {
    const auto op = dispatcher.findSchema(name);
    if (!op || !name.name.starts_with("aten::") || !op->hasTag(at::Tag::nondeterministic_seeded)) continue;
    const auto& arguments = op->schema().arguments();
    if (std::any_of(arguments.begin(), arguments.end(), [](const auto& argument) { return argument.is_out(); }))
      continue;
    if (!has_kernel_for_cpu(*op)) continue;
    EXPECT_TRUE(tested.contains(name.name.substr(6))) << name;
  }
}

}  // namespace
}  // namespace remote::test
