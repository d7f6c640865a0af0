// Draws on the worker give the bits that the same draws on a local CPU generator give.
#include <ATen/CPUGeneratorImpl.h>

#include "test_session.h"

namespace remote::worker {
namespace {

using c10::ScalarType;
using testing::HasSubstr;

class RandomTest : public WorkerTest {
 protected:
  wire::TensorRef filled(const char* name, const char* overload, std::vector<Argument> arguments,
                         ScalarType dtype = ScalarType::Float) {
    const auto target = client->fresh(dtype, {257});
    arguments.insert(arguments.begin(), target);
    client->run(name, overload, arguments);
    return TestSession::known(target);
  }
  wire::TensorRef normal() { return filled("aten::normal_", "", {c10::IValue(0.0), c10::IValue(1.0), c10::IValue()}); }
  static at::Tensor local_normal(at::Generator generator) { return at::empty({257}).normal_(0, 1, generator); }
};

TEST_F(RandomTest, TheDefaultGeneratorStartsWithLibTorchsDefaultSeed) {
  at::Generator local = at::make_generator<at::CPUGeneratorImpl>(c10::default_rng_seed_val);
  EXPECT_TRUE(same(client->read(normal()), local_normal(local)));
  EXPECT_TRUE(same(client->read(normal()), local_normal(local))) << "the second draw goes on where the first ended";
}

TEST_F(RandomTest, EveryDrawHasTheBitsOfALocalGenerator) {
  client->send([](wire::RecordWriter& out) { out.seed(0, 7); });
  at::Generator local = at::make_generator<at::CPUGeneratorImpl>(7);
  const auto check = [&](const char* what, const wire::TensorRef& remote, const at::Tensor& expected) {
    EXPECT_TRUE(same(client->read(remote), expected)) << what;
  };
  const c10::IValue none;
  check("uniform_", filled("aten::uniform_", "", {c10::IValue(0.0), c10::IValue(1.0), none}),
        at::empty({257}).uniform_(0, 1, local));
  check("bernoulli_", filled("aten::bernoulli_", "float", {c10::IValue(0.3), none}),
        at::empty({257}).bernoulli_(0.3, local));
  check("exponential_", filled("aten::exponential_", "", {c10::IValue(1.5), none}),
        at::empty({257}).exponential_(1.5, local));
  check("geometric_", filled("aten::geometric_", "", {c10::IValue(0.3), none}),
        at::empty({257}).geometric_(0.3, local));
  check("random_", filled("aten::random_", "from", {c10::IValue(3), c10::IValue(99), none}, ScalarType::Long),
        at::empty({257}, at::kLong).random_(3, 99, local));
  const auto permutation = client->fresh(ScalarType::Long, {100});
  client->run("aten::randperm", "generator_out", {c10::IValue(100), none, permutation});
  check("randperm", TestSession::known(permutation), at::randperm(100, local, at::TensorOptions(at::kLong)));
  const at::Tensor weights = at::rand({50});
  const auto chosen =
      client->call("aten::multinomial", "", {client->upload(weights), c10::IValue(10), c10::IValue(false), none},
                   ScalarType::Long, {10});
  check("multinomial", chosen, at::multinomial(weights, 10, false, local));
}

TEST_F(RandomTest, DropoutHasTheBitsOfTheCpuKernelInTheSameState) {
  const at::Tensor input = at::randn({33, 17});
  for (const double p : {0.0, 0.1, 0.3, 0.5, 0.7, 1.0}) {
    const auto state = at::detail::getDefaultCPUGenerator().get_state();
    client->send([&](wire::RecordWriter& out) {
      out.set_generator_state(0, std::string_view(static_cast<const char*>(state.const_data_ptr()), state.nbytes()));
    });
    const auto [output, mask] = at::native_dropout(input, p, true);
    const auto remote_output = TestSession::ref(client->next_id(), ScalarType::Float, {33, 17});
    const auto remote_mask = TestSession::ref(client->next_id(), ScalarType::Bool, {33, 17});
    client->run_declared("aten::native_dropout", "", {client->upload(input), c10::IValue(p), c10::IValue(true)},
                         {TestSession::declare(remote_output), TestSession::declare(remote_mask)});
    EXPECT_TRUE(same(client->read(remote_output), output)) << p;
    EXPECT_TRUE(same(client->read(remote_mask), mask)) << p;
  }
}

TEST_F(RandomTest, TheProcessOwnGeneratorIsLeftAlone) {
  const auto before = at::detail::getDefaultCPUGenerator().get_state();
  client->read(normal());
  const auto input = client->floats({1, 2, 3, 4});
  const auto output = TestSession::ref(client->next_id(), ScalarType::Float, {4});
  client->run_declared("aten::native_dropout", "", {input, c10::IValue(0.5), c10::IValue(true)},
                       {TestSession::declare(output), wire::OutputDeclaration()});
  EXPECT_TRUE(client->fetch_status(output).ok());
  EXPECT_TRUE(at::equal(at::detail::getDefaultCPUGenerator().get_state(), before));
}

TEST_F(RandomTest, AnOpThatWouldDrawFromTheProcessOwnGeneratorIsRefused) {
  const auto answer =
      client->run_ask("aten::randperm", "",
                      {c10::IValue(5), c10::IValue(), c10::IValue(), c10::IValue(), c10::IValue()}, client->next_id());
  EXPECT_EQ(answer.status.code(), StatusCode::kUnimplemented);
  EXPECT_THAT(answer.status.message(), HasSubstr("generator"));
  const auto q = client->upload(at::ones({1, 1, 2, 2}));
  const auto attention = [&](double p) {
    return client
        ->run_ask("aten::scaled_dot_product_attention", "",
                  {q, q, q, c10::IValue(), c10::IValue(p), c10::IValue(false), c10::IValue(), c10::IValue(false)},
                  client->next_id())
        .status;
  };
  EXPECT_EQ(attention(0.5).code(), StatusCode::kUnimplemented);
  EXPECT_TRUE(attention(0.0).ok());
}

TEST_F(RandomTest, AForkedGeneratorGoesOnWithTheSameStateOnItsOwn) {
  client->send([](wire::RecordWriter& out) {
    out.seed(0, 3);
    out.fork_generator(0, 1);
  });
  const auto state = [&](uint64_t generator) {
    const uint64_t request = client->next_request();
    client->send([&](wire::RecordWriter& out) { out.fetch_generator_state(generator, request); });
    return client->value(request);
  };
  EXPECT_EQ(state(0).bytes, state(1).bytes);
  client->read(normal());
  EXPECT_NE(state(0).bytes, state(1).bytes);
  client->send([](wire::RecordWriter& out) { out.release_generator(1); });
  EXPECT_EQ(state(1).status.code(), StatusCode::kNotFound);
}

TEST_F(RandomTest, AStateThatWasReadBringsTheSameDrawsAgain) {
  client->read(normal());
  const uint64_t request = client->next_request();
  client->send([&](wire::RecordWriter& out) { out.fetch_generator_state(0, request); });
  const std::string state = client->value(request).bytes;
  const at::Tensor first = client->read(normal());
  client->send([&](wire::RecordWriter& out) { out.set_generator_state(0, state); });
  EXPECT_TRUE(same(client->read(normal()), first));
}

TEST_F(RandomTest, SessionsDrawApart) {
  TestSession other(*backend);
  other.send([](wire::RecordWriter& out) { out.seed(0, 99); });
  other.synchronize();
  at::Generator local = at::make_generator<at::CPUGeneratorImpl>(c10::default_rng_seed_val);
  EXPECT_TRUE(same(client->read(normal()), local_normal(local)));
}

}  // namespace
}  // namespace remote::worker
