#pragma once
#include "benchmarks/places.h"
#include "benchmarks/table.h"

namespace remote::bench {

// What rt-bench measures, a table each. Each leaves the devices idle and with nothing on them.

/// A training step of five models in every place.
Table step_time(Bench& bench);
/// What the client pays for one recorded op.
Table record_cost(Bench& bench);
/// Uploads and fetches beside raw sockets.
Table bulk(Bench& bench);
/// From nothing to the first step.
Table startup(Bench& bench);
/// A step behind a connection that delays everything.
Table delay(Bench& bench);
/// rt-train beside a loop written by hand.
Table trainer_overhead(Bench& bench);

}  // namespace remote::bench
