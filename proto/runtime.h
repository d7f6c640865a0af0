#pragma once

namespace remote::proto {

/// Starts gRPC and keeps it for the rest of the process. Cheap after the first call. Thread-safe.
///
/// Without it the last channel or server that goes stops gRPC's threads and waits for them, and one of them may just
/// have begun to poll for ten seconds on behalf of bulk data: closing a connection would take that long.
void keep_runtime();

}  // namespace remote::proto
