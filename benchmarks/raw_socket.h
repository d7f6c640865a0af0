#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace remote::bench {

/// A process behind a plain socket that swallows bytes and sends bytes: what the kernel makes of this machine's memory,
/// without anything of ours in between. Killed with this object.
class RawSocketPeer {
 public:
  enum class Kind { kUnix, kTcp };

  /// Transfers are `bytes` long. Throws remote::Error when there is no socket to be had.
  RawSocketPeer(Kind kind, uint64_t bytes);
  ~RawSocketPeer();
  RawSocketPeer(const RawSocketPeer&) = delete;
  RawSocketPeer& operator=(const RawSocketPeer&) = delete;

  /// Sends the bytes and waits for one byte that says that all came. Returns seconds.
  double upload();
  /// Asks for the bytes and receives them into memory that is there already.
  double download();

 private:
  std::vector<char> buffer_;
  int socket_ = -1;
  pid_t peer_ = -1;
};

}  // namespace remote::bench
