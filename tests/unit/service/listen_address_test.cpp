#include "worker/service/listen_address.h"

#include <gmock/gmock.h>

#include <fstream>

#include "../../support/temporary_folder.h"
#include "worker/service/server.h"

namespace remote::worker {
namespace {

using testing::AllOf;
using testing::HasSubstr;

Status probed(const std::string& text) {
  auto address = parse_listen_address(text);
  return address.ok() ? probe(*address) : address.status();
}

TEST(ListenAddressTest, AddressesComeBackAsClientsWriteThem) {
  for (const char* text :
       {"127.0.0.1:7070", "0.0.0.0:0", "[::1]:7070", "gpu-box.example.org:65535", "unix:/run/rt.sock"}) {
    auto address = parse_listen_address(text);
    ASSERT_TRUE(address.ok()) << address.status();
    EXPECT_EQ(address->text(), text);
  }
}

TEST(ListenAddressTest, AnythingElseIsRefusedWithTheReasonAndTheForms) {
  const std::pair<std::string, const char*> cases[] = {
      {"", "the port is missing"},
      {"gpu-box", "the port is missing"},
      {":7070", "the host is missing"},
      {"gpu-box:", "0 to 65535"},
      {"gpu-box:65536", "0 to 65535"},
      {"gpu-box:-1", "0 to 65535"},
      {"gpu-box:70x", "0 to 65535"},
      {"::1:7070", "brackets"},
      {"http://gpu-box:7070", "brackets"},
      {"gpu box:7070", "no host"},
      {"unix:rt.sock", "absolute"},
      {"unix:", "absolute"},
      {"unix:/run/", "folder"},
      {"unix:/" + std::string(200, 'a'), "at most"},
      {std::string("a\0b:1", 5), "zero byte"},
  };
  for (const auto& [text, reason] : cases) {
    auto address = parse_listen_address(text);
    ASSERT_FALSE(address.ok()) << text;
    EXPECT_EQ(address.status().code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(address.status().message(), AllOf(HasSubstr(reason), HasSubstr("expected host:port")));
  }
}

TEST(ListenAddressTest, APortInUseIsNamed) {
  auto server = Server::listen("127.0.0.1:0");
  ASSERT_TRUE(server.ok()) << server.status();
  const Status status = Server::listen((*server)->address()).status();
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(status.message(), AllOf(HasSubstr((*server)->address()), HasSubstr("another program listens there")));
}

TEST(ListenAddressTest, AnAddressOfAnotherMachineIsNamed) {
  EXPECT_THAT(probed("192.0.2.1:7070").message(), HasSubstr("not an address of this machine"));
}

TEST(ListenAddressTest, AFileThatIsNoSocketIsLeftAlone) {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("precious");
  std::ofstream(path) << "data";
  EXPECT_THAT(probed("unix:" + path).message(), HasSubstr("is no socket"));
  EXPECT_TRUE(std::filesystem::is_regular_file(path));
}

TEST(ListenAddressTest, ALiveSocketIsLeftAloneAndADeadOneIsReplaced) {
  const test::TemporaryFolder folder;
  const std::string address = "unix:" + folder.file("socket");
  {
    auto server = Server::listen(address);
    ASSERT_TRUE(server.ok()) << server.status();
    EXPECT_THAT(Server::listen(address).status().message(), HasSubstr("another program listens there"));
    // What a server leaves behind that is killed: the name, and nobody behind it.
    std::filesystem::rename(folder.file("socket"), folder.file("left"));
  }
  std::filesystem::rename(folder.file("left"), folder.file("socket"));
  EXPECT_TRUE(Server::listen(address).ok());
}

TEST(ListenAddressTest, AFolderThatIsMissingIsNamed) {
  const test::TemporaryFolder folder;
  EXPECT_THAT(probed("unix:" + folder.file("none/socket")).message(), HasSubstr("the folder does not exist"));
}

}  // namespace
}  // namespace remote::worker
