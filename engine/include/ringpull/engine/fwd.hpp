#pragma once
// The engine's types by name, for headers that only point or refer to them.

namespace ringpull::inline v0 {
class Error;
}

namespace ringpull::inline v0::engine {
class Backend;
class BufferLease;
class BufferPool;
class Context;
class Deadline;
class Loop;
class MemoryBudget;
class Runtime;
class Scope;
class StopHook;
class StopSource;
struct Op;
template <class T>
class Task;
}  // namespace ringpull::inline v0::engine
