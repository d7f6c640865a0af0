// LibTorch's state of the whole process follows the session whose turn it is.
#include <c10/core/DefaultDtype.h>

#include <remote/wire/precision.h>

#include "test_session.h"

namespace remote::worker {
namespace {

using c10::ScalarType;
using testing::HasSubstr;

class SettingsTest : public WorkerTest {
 protected:
  void TearDown() override {
    client.reset();
    backend.reset();
    c10::set_default_dtype(caffe2::TypeMeta::Make<float>());
    at::globalContext().setDeterministicAlgorithms(false, false);
  }
  /// The dtype that a true division of integers has under the default of the moment.
  static ScalarType quotient_type(TestSession& session) {
    const auto a = session.upload(at::tensor({int64_t{1}, int64_t{2}}));
    const auto answer = session.run_ask("aten::div", "Tensor", {a, a}, session.next_id());
    EXPECT_TRUE(answer.status.ok()) << answer.status;
    return answer.outputs.empty() ? ScalarType::Undefined : answer.outputs[0].dtype;
  }
  static void set(TestSession& session, wire::SettingKey key, uint64_t value) {
    session.send([&](wire::RecordWriter& out) { out.setting(key, value); });
  }
};

TEST_F(SettingsTest, EachSessionHasItsOwnDefaultDtype) {
  TestSession other(*backend);
  set(*client, wire::SettingKey::kDefaultDtype, static_cast<uint64_t>(ScalarType::Double));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(quotient_type(*client), ScalarType::Double);
    EXPECT_EQ(quotient_type(other), ScalarType::Float);
  }
}

TEST_F(SettingsTest, ASettingHoldsFromItsPlaceInTheStream) {
  EXPECT_EQ(quotient_type(*client), ScalarType::Float);
  set(*client, wire::SettingKey::kDefaultDtype, static_cast<uint64_t>(ScalarType::Double));
  EXPECT_EQ(quotient_type(*client), ScalarType::Double);
  set(*client, wire::SettingKey::kDefaultDtype, static_cast<uint64_t>(ScalarType::Float));
  EXPECT_EQ(quotient_type(*client), ScalarType::Float);
}

TEST_F(SettingsTest, EverySettingReachesTheProcess) {
  const auto& context = at::globalContext();
  set(*client, wire::SettingKey::kDeterministicAlgorithms, 2);
  set(*client, wire::SettingKey::kFloat32MatmulPrecision, 1);
  set(*client, wire::SettingKey::kCudnnEnabled, 0);
  set(*client, wire::SettingKey::kCudnnBenchmark, 1);
  set(*client, wire::SettingKey::kCudnnDeterministic, 1);
  set(*client, wire::SettingKey::kFlashAttention, 0);
  set(*client, wire::SettingKey::kMemoryEfficientAttention, 0);
  set(*client, wire::SettingKey::kMathAttention, 0);
  set(*client, wire::SettingKey::kCudnnAttention, 0);
  set(*client, wire::SettingKey::kMkldnnEnabled, 0);
  set(*client, wire::SettingKey::kFp16ReductionCublas, 1);
  set(*client, wire::SettingKey::kBf16ReductionCublas, 2);
  set(*client, wire::SettingKey::kFp16AccumulationCublas, 1);
  client->synchronize();
  EXPECT_TRUE(context.deterministicAlgorithms() && context.deterministicAlgorithmsWarnOnly());
  EXPECT_EQ(context.float32MatmulPrecision(), at::Float32MatmulPrecision::HIGH);
  EXPECT_FALSE(context.userEnabledCuDNN() || context.userEnabledFlashSDP() || context.userEnabledMemEfficientSDP() ||
               context.userEnabledMathSDP());
  EXPECT_TRUE(context.benchmarkCuDNN() && context.deterministicCuDNN());
  EXPECT_FALSE(context.userEnabledCuDNNSDP() || context.userEnabledMkldnn());
  EXPECT_EQ(context.allowFP16ReductionCuBLAS(), at::CuBLASReductionOption::DisallowReducedPrecisionAllowSplitK);
  EXPECT_EQ(context.allowBF16ReductionCuBLAS(), at::CuBLASReductionOption::DisallowReducedPrecisionDisallowSplitK);
  EXPECT_TRUE(context.allowFP16AccumulationCuBLAS());
  TestSession other(*backend);
  other.synchronize();
  EXPECT_FALSE(context.deterministicAlgorithms() || context.benchmarkCuDNN() || context.deterministicCuDNN());
  EXPECT_EQ(context.float32MatmulPrecision(), at::Float32MatmulPrecision::HIGHEST);
  EXPECT_TRUE(context.userEnabledCuDNN() && context.userEnabledFlashSDP() && context.userEnabledMemEfficientSDP() &&
              context.userEnabledMathSDP());
  EXPECT_TRUE(context.userEnabledCuDNNSDP() && context.userEnabledMkldnn());
  EXPECT_EQ(context.allowFP16ReductionCuBLAS(), at::CuBLASReductionOption::AllowReducedPrecisionWithSplitK);
  EXPECT_EQ(context.allowBF16ReductionCuBLAS(), at::CuBLASReductionOption::AllowReducedPrecisionWithSplitK);
  EXPECT_FALSE(context.allowFP16AccumulationCuBLAS());
}

TEST_F(SettingsTest, EachProductsPrecisionReachesTheProcess) {
  const auto& context = at::globalContext();
  for (const auto& precision : wire::kFloatPrecisions) {
    SCOPED_TRACE(precision.name);
    const auto now = [&] { return context.float32Precision(precision.backend, precision.op); };
    const auto usual = now();
    for (const auto wanted : {at::Float32Precision::IEEE, at::Float32Precision::TF32}) {
      set(*client, precision.key, static_cast<uint64_t>(wanted));
      client->synchronize();
      EXPECT_EQ(now(), wanted);
      TestSession other(*backend);
      other.synchronize();
      EXPECT_EQ(now(), usual) << "another session's turn";
    }
  }
}

TEST_F(SettingsTest, AnEmbeddedWorkerComparesWhatItSharesWithTheProgram) {
  BackendOptions options;
  options.shares_process = true;
  start(options);
  EXPECT_EQ(quotient_type(*client), ScalarType::Float);
  c10::set_default_dtype(caffe2::TypeMeta::Make<double>());
  const auto a = client->upload(at::tensor({int64_t{1}}));
  const auto late = client->run_ask("aten::div", "Tensor", {a, a}, client->next_id());
  EXPECT_EQ(late.status.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(late.status.message(), HasSubstr("remote::synchronize()"));
  EXPECT_THAT(late.status.message(), HasSubstr("default dtype"));
  const auto half = client->floats({0.5f});
  EXPECT_EQ(
      client->read(client->call("aten::mul", "Scalar", {half, c10::IValue(2.0)}, ScalarType::Float, {1})).item<float>(),
      1)
      << "floating-point tensors keep their dtype, whatever the default";
  set(*client, wire::SettingKey::kDefaultDtype, static_cast<uint64_t>(ScalarType::Double));
  EXPECT_EQ(quotient_type(*client), ScalarType::Double);
  EXPECT_EQ(c10::get_default_dtype_as_scalartype(), ScalarType::Double);
}

TEST_F(SettingsTest, WhatTheClientsThreadHasSwitchedStaysWithIt) {
  at::GradMode::set_enabled(false);
  c10::InferenceMode inference;
  at::globalContext().setFlushDenormal(true);
  start({});
  at::globalContext().setFlushDenormal(false);
  at::GradMode::set_enabled(true);
  const auto tiny = client->floats({1e-40f});
  const auto product = client->call("aten::mul", "Scalar", {tiny, c10::IValue(1.0)}, ScalarType::Float, {1});
  EXPECT_NE(client->read(product).item<float>(), 0.f);
}

}  // namespace
}  // namespace remote::worker
