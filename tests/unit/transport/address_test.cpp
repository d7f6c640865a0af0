#include <remote/transport/address.h>

#include <gmock/gmock.h>

namespace remote::transport {
namespace {

TEST(AddressTest, EmbeddedNamesItsDevice) {
  const std::pair<const char*, const char*> cases[] = {{"embedded", "auto"},
                                                       {"embedded:auto", "auto"},
                                                       {"embedded:cpu", "cpu"},
                                                       {"embedded:cuda:0", "cuda:0"},
                                                       {"embedded:cuda:7", "cuda:7"}};
  for (const auto& [text, device] : cases) {
    auto address = parse_address(text);
    ASSERT_TRUE(address.ok()) << address.status();
    EXPECT_EQ(address->kind, Address::Kind::kEmbedded);
    EXPECT_EQ(address->device, device);
  }
}

TEST(AddressTest, NetworkAddressesArePassedOnAsTheyAre) {
  for (const char* text : {"127.0.0.1:7070", "gpu-box:1", "gpu_box.example.org:65535", "[::1]:7070",
                           "[fe80::1%eth0]:80", "unix:/run/rt.sock"}) {
    auto address = parse_address(text);
    ASSERT_TRUE(address.ok()) << address.status();
    EXPECT_EQ(address->kind, Address::Kind::kNetwork);
    EXPECT_EQ(address->target, text);
  }
}

TEST(AddressTest, AnythingElseIsRefusedWithTheFormsThatAreUnderstood) {
  for (const std::string& text : {std::string(),
                                  std::string("gpu-box"),
                                  std::string("gpu-box:"),
                                  std::string(":7070"),
                                  std::string("gpu-box:0"),
                                  std::string("gpu-box:65536"),
                                  std::string("gpu-box:70x"),
                                  std::string("::1:7070"),
                                  std::string("[]:7070"),
                                  std::string("http://gpu-box:7070"),
                                  std::string("gpu box:7070"),
                                  std::string("unix:"),
                                  std::string("unix:rt.sock"),
                                  std::string("unix:/"),
                                  "unix:/" + std::string(200, 'a'),
                                  std::string("embedded:"),
                                  std::string("embedded:tpu"),
                                  std::string("embedded:cuda"),
                                  std::string("embedded:cuda:"),
                                  std::string("embedded:cuda:x"),
                                  std::string("a\0b:1", 5)}) {
    auto address = parse_address(text);
    ASSERT_FALSE(address.ok()) << text;
    EXPECT_EQ(address.status().code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(address.status().message(), testing::HasSubstr("\"" + text + "\""));
    EXPECT_THAT(
        address.status().message(),
        testing::HasSubstr("expected embedded, embedded:cpu, embedded:cuda:0, host:port, [ipv6]:port or unix:/path"));
  }
}

}  // namespace
}  // namespace remote::transport
