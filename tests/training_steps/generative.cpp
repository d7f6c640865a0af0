#include "learner.h"

namespace remote::test {
namespace {

namespace nn = torch::nn;
namespace F = torch::nn::functional;
using torch::Tensor;

constexpr int64_t kPixels = 36, kLatent = 4, kPictures = 3 * 16 + 5, kPicturesBatch = 16;

/// Bright and dark halves with noise, in 0 to 1.
Tensor grey_pictures() {
  auto generator = at::detail::createCPUGenerator(25);
  const Tensor side = torch::randint(2, {kPictures, 1}, generator, torch::kFloat);
  const Tensor ramp = torch::linspace(0, 1, kPixels).ge(0.5).to(torch::kFloat);
  return 0.8 * (side - ramp).abs() + 0.2 * torch::rand({kPictures, kPixels}, generator);
}

/// Kingma and Welling, "Auto-Encoding Variational Bayes", with the loss of its appendices B and C.
class Vae final : public nn::Module {
 public:
  Vae() {
    encoder_ = register_module("encoder", nn::Sequential(nn::Linear(kPixels, 24), nn::ReLU()));
    mean_ = register_module("mean", nn::Linear(24, kLatent));
    log_variance_ = register_module("log_variance", nn::Linear(24, kLatent));
    decoder_ = register_module("decoder",
                               nn::Sequential(nn::Linear(kLatent, 24), nn::ReLU(), nn::Linear(24, kPixels)));
  }
  Tensor loss(const Tensor& pictures) {
    const Tensor hidden = encoder_->forward(pictures), mean = mean_(hidden), log_variance = log_variance_(hidden);
    const Tensor latent = mean + torch::randn_like(mean) * torch::exp(0.5 * log_variance);
    const Tensor reconstruction = F::binary_cross_entropy(
        torch::sigmoid(decoder_->forward(latent)), pictures, F::BinaryCrossEntropyFuncOptions().reduction(torch::kSum));
    const Tensor divergence = -0.5 * (1 + log_variance - mean.pow(2) - log_variance.exp()).sum();
    return (reconstruction + divergence) / pictures.size(0);
  }

 private:
  nn::Sequential encoder_{nullptr}, decoder_{nullptr};
  nn::Linear mean_{nullptr}, log_variance_{nullptr};
};

class VaeLearner final : public OneLossLearner {
 public:
  VaeLearner(torch::Device device, const MakeOptimizer& make_optimizer)
      : VaeLearner(born<Vae>(device), device, make_optimizer) {}

 private:
  VaeLearner(std::shared_ptr<Vae> network, torch::Device device, const MakeOptimizer& make_optimizer)
      : OneLossLearner(*network, make_optimizer), network_(std::move(network)), pictures_(grey_pictures().to(device)) {}

  Tensor loss(int step) override { return network_->loss(batch_of(pictures_, step, kPicturesBatch)); }

  const std::shared_ptr<Vae> network_;
  const Tensor pictures_;
};

/// Two networks against each other, with an optimizer each: a step of the discriminator on real and made pictures, then
/// one of the generator.
class GanLearner final : public Learner {
 public:
  GanLearner(torch::Device device, const MakeOptimizer& make_optimizer) : pictures_(grey_pictures().to(device)) {
    {
      const DeviceScope scope(device);
      generator_ = nn::Sequential(nn::Linear(kLatent, 16), nn::BatchNorm1d(16), nn::ReLU(), nn::Linear(16, kPixels),
                                  nn::Sigmoid());
      discriminator_ = nn::Sequential(nn::Linear(kPixels, 16),
                                      nn::LeakyReLU(nn::LeakyReLUOptions().negative_slope(0.2)), nn::Dropout(0.3),
                                      nn::Linear(16, 1));
    }
    of_generator_ = make_optimizer(generator_->parameters());
    of_discriminator_ = make_optimizer(discriminator_->parameters());
  }

  std::vector<Tensor> step() override {
    const Tensor real = batch_of(pictures_, step_++, kPicturesBatch);
    const Tensor made = generator_->forward(torch::randn({real.size(0), kLatent}, real.options()));

    of_discriminator_->zero_grad();
    const Tensor discriminator_loss = judged(real, 1) + judged(made.detach(), 0);
    discriminator_loss.backward();
    of_discriminator_->step();

    of_generator_->zero_grad();
    const Tensor generator_loss = judged(made, 1);
    generator_loss.backward();
    of_generator_->step();
    return {discriminator_loss.detach(), generator_loss.detach()};
  }

  std::map<std::string, Tensor> state() const override {
    std::map<std::string, Tensor> state;
    add_state(state, "generator.", *generator_);
    add_state(state, "discriminator.", *discriminator_);
    return state;
  }

 private:
  /// How far the discriminator is from taking the pictures for real (1) or made (0).
  Tensor judged(const Tensor& pictures, double label) {
    const Tensor score = discriminator_->forward(pictures);
    return F::binary_cross_entropy_with_logits(score, torch::full_like(score, label));
  }

  const Tensor pictures_;
  nn::Sequential generator_{nullptr}, discriminator_{nullptr};
  std::unique_ptr<torch::optim::Optimizer> of_generator_, of_discriminator_;
  int step_ = 0;
};

}  // namespace

std::vector<Model> generative_models() { return {model<VaeLearner>("VAE"), model<GanLearner>("GAN")}; }

}  // namespace remote::test
