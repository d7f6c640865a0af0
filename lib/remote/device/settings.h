#pragma once
#include <c10/core/DeviceType.h>

#include <array>
#include <cstdint>

#include <remote/wire/precision.h>
#include <remote/wire/record.h>

namespace remote::device {

/// Process-wide LibTorch state that decides what an op computes (default dtype, deterministic algorithms, precision and
/// kernel switches), as numbers; see wire::SettingKey.
using Settings = std::array<uint8_t, static_cast<size_t>(wire::SettingKey::kCount)>;

/// Of a session that has been told nothing: no number is a value, so that the first op that needs one records it. What
/// a worker starts with is its own affair.
const Settings& untold_settings();

/// Records what differs from `sent`, and remembers it there; false: nothing does. Inside Session::record(), before the
/// op that it is for; `products` is wire::products_of() that op: LibTorch takes a fraction of a microsecond to say how
/// the switches for those stand, and those of CUDA are asked for where the worker, of kind `worker`, has one. Throws
/// nothing.
bool record_changed_settings(Settings& sent, wire::Products products, c10::DeviceType worker, wire::RecordWriter& out);

}  // namespace remote::device
