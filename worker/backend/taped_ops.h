#pragma once

namespace remote::worker {

/// Gives the taped ops (remote/wire/taped_ops.h) their kernels, on the CPU and on CUDA, once a process. Thread-safe.
///
/// What a tape saves for the backward pass belongs to it, not to the session's storages: it is freed with the tape and
/// not counted against the session's limit of bytes.
void register_taped_ops();

}  // namespace remote::worker
