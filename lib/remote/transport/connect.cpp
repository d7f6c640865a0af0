#include <remote/transport/address.h>
#include <remote/transport/connection.h>
#include <remote/transport/embedded/embedded_connection.h>
#ifdef REMOTE_GRPC
#include <remote/transport/grpc/grpc_connection.h>
#endif

namespace remote::transport {

StatusOr<std::unique_ptr<Connection>> connect(const std::string& address, const wire::Hello& hello,
                                              wire::RecordSource& source, Listener& listener,
                                              const ConnectOptions& options) {
  auto parsed = parse_address(address);
  if (!parsed.ok()) return parsed.status();
  if (parsed->kind == Address::Kind::kEmbedded) return connect_embedded(parsed->device, hello, source, listener);
#ifdef REMOTE_GRPC
  return connect_grpc(parsed->target, hello, source, listener, options);
#else
  (void)options;
  return Status(StatusCode::kUnimplemented, "worker " + address +
                                                " is reached over gRPC, and this build has none; use "
                                                "\"embedded\", or configure with -DREMOTE_GRPC=ON");
#endif
}

}  // namespace remote::transport
