// Activations.
#include <torch/nn/modules/activation.h>

#include <remote/train/schema/layer.h>

namespace remote::schema {
namespace {

namespace nn = torch::nn;

template <class Holder>
void add_plain(LayerRegistry& registry, const char* name, const char* doc) {
  registry.add(
      name, doc, NoFields(), [](FieldVisitor&, NoFields&) {}, [](const NoFields&) { return layer_of(Holder()); });
}

template <class Holder, class Options>
void add_inplace(LayerRegistry& registry, const char* name, const char* doc) {
  add_module<Holder>(registry, name, doc, Options(),
                     [](FieldVisitor& v, Options& o) { v.field("inplace", o.inplace()); });
}

template <class Holder, class Options>
void add_softmax(LayerRegistry& registry, const char* name, const char* doc) {
  add_module<Holder>(registry, name, doc, Options(-1),
                     [](FieldVisitor& v, Options& o) { v.field("dim", o.dim(), {.doc = "dimension that sums to 1"}); });
}

/// Hardswish has a function but no module in LibTorch.
class HardswishImpl : public nn::Module {
 public:
  torch::Tensor forward(const torch::Tensor& input) { return torch::hardswish(input); }
};
TORCH_MODULE(Hardswish);

}  // namespace

void register_activation_layers(LayerRegistry& registry) {
  add_inplace<nn::ReLU, nn::ReLUOptions>(registry, "ReLU", "max(x, 0)");
  add_inplace<nn::ReLU6, nn::ReLU6Options>(registry, "ReLU6", "min(max(x, 0), 6)");
  add_module<nn::LeakyReLU>(registry, "LeakyReLU", "x, or a slope times x below 0", nn::LeakyReLUOptions(),
                            [](FieldVisitor& v, nn::LeakyReLUOptions& o) {
                              v.field("negative_slope", o.negative_slope(), {.known_as = "alpha slope"});
                              v.field("inplace", o.inplace());
                            });
  add_module<nn::PReLU>(registry, "PReLU", "LeakyReLU with a learned slope", nn::PReLUOptions(),
                        [](FieldVisitor& v, nn::PReLUOptions& o) {
                          v.field("num_parameters", o.num_parameters(), {.min = 1});
                          v.field("init", o.init());
                        });
  add_module<nn::RReLU>(registry, "RReLU", "LeakyReLU with a random slope in training", nn::RReLUOptions(),
                        [](FieldVisitor& v, nn::RReLUOptions& o) {
                          v.field("lower", o.lower());
                          v.field("upper", o.upper());
                          v.field("inplace", o.inplace());
                          v.check(o.lower() <= o.upper(), "lower", "lower must not exceed upper", {"upper"});
                        });
  add_module<nn::ELU>(registry, "ELU", "x, or alpha (exp(x) - 1) below 0", nn::ELUOptions(),
                      [](FieldVisitor& v, nn::ELUOptions& o) {
                        v.field("alpha", o.alpha());
                        v.field("inplace", o.inplace());
                      });
  add_module<nn::CELU>(registry, "CELU", "ELU that is smooth for every alpha", nn::CELUOptions(),
                       [](FieldVisitor& v, nn::CELUOptions& o) {
                         v.field("alpha", o.alpha(), {.above = 0});
                         v.field("inplace", o.inplace());
                       });
  add_inplace<nn::SELU, nn::SELUOptions>(registry, "SELU", "ELU that keeps mean and variance");
  add_module<nn::GELU>(registry, "GELU", "x times the normal distribution function", nn::GELUOptions(),
                       [](FieldVisitor& v, nn::GELUOptions& o) {
                         v.field("approximate", o.approximate(), {.choices = {"none", "tanh"}});
                       });
  add_plain<nn::SiLU>(registry, "SiLU", "x sigmoid(x), also called swish");
  add_plain<nn::Mish>(registry, "Mish", "x tanh(softplus(x))");
  add_plain<Hardswish>(registry, "Hardswish", "x relu6(x + 3) / 6");
  add_plain<nn::Tanh>(registry, "Tanh", "tanh(x)");
  add_plain<nn::Sigmoid>(registry, "Sigmoid", "1 / (1 + exp(-x))");
  add_plain<nn::LogSigmoid>(registry, "LogSigmoid", "log(sigmoid(x))");
  add_plain<nn::Softsign>(registry, "Softsign", "x / (1 + |x|)");
  add_plain<nn::Tanhshrink>(registry, "Tanhshrink", "x - tanh(x)");
  add_softmax<nn::Softmax, nn::SoftmaxOptions>(
      registry, "Softmax", "exp(x) scaled to sum to 1; CrossEntropyLoss wants the values before it");
  add_softmax<nn::LogSoftmax, nn::LogSoftmaxOptions>(registry, "LogSoftmax", "logarithm of Softmax, for NLLLoss");
  add_softmax<nn::Softmin, nn::SoftminOptions>(registry, "Softmin", "Softmax of -x");
  add_module<nn::Softplus>(registry, "Softplus", "log(1 + exp(beta x)) / beta", nn::SoftplusOptions(),
                           [](FieldVisitor& v, nn::SoftplusOptions& o) {
                             v.field("beta", o.beta(), {.above = 0});
                             v.field("threshold", o.threshold(), {.doc = "above it the function is x"});
                           });
  add_module<nn::Hardtanh>(registry, "Hardtanh", "x cut off at both ends", nn::HardtanhOptions(),
                           [](FieldVisitor& v, nn::HardtanhOptions& o) {
                             v.field("min_val", o.min_val());
                             v.field("max_val", o.max_val());
                             v.field("inplace", o.inplace());
                             v.check(o.min_val() < o.max_val(), "min_val", "min_val must be below max_val",
                                     {"max_val"});
                           });
  add_module<nn::Hardshrink>(registry, "Hardshrink", "x, or 0 within lambda of 0", nn::HardshrinkOptions(0.5),
                             [](FieldVisitor& v, nn::HardshrinkOptions& o) {
                               v.field("lambda", o.lambda(), {.min = 0, .known_as = "lambd"});
                             });
  add_module<nn::Softshrink>(registry, "Softshrink", "x moved towards 0 by lambda", nn::SoftshrinkOptions(0.5),
                             [](FieldVisitor& v, nn::SoftshrinkOptions& o) {
                               v.field("lambda", o.lambda(), {.min = 0, .known_as = "lambd"});
                             });
  add_module<nn::Threshold>(registry, "Threshold", "x, or a value where x is not above the threshold",
                            nn::ThresholdOptions(0, 0), [](FieldVisitor& v, nn::ThresholdOptions& o) {
                              v.field("threshold", o.threshold(), {.required = true});
                              v.field("value", o.value(), {.required = true});
                              v.field("inplace", o.inplace());
                            });
  add_module<nn::GLU>(registry, "GLU", "one half of the features times the sigmoid of the other", nn::GLUOptions(),
                      [](FieldVisitor& v, nn::GLUOptions& o) { v.field("dim", o.dim()); });
}

}  // namespace remote::schema
