#include <algorithm>

#include <ringpull/engine/timer_queue.hpp>

namespace ringpull::inline v0::engine {

namespace {
constexpr std::size_t kArity = 4;
}  // namespace

void TimerQueue::arm(TimerEntry& entry, TimePoint when) {
  if (entry.armed()) disarm(entry);
  entry.when = when;
  heap_.push_back(&entry);
  sift_up(heap_.size() - 1);
}

void TimerQueue::disarm(TimerEntry& entry) noexcept {
  if (!entry.armed()) return;
  std::size_t hole = entry.index;
  entry.index = TimerEntry::kIdle;
  TimerEntry* last = heap_.back();
  heap_.pop_back();
  if (last == &entry) return;
  place(hole, last);
  sift_up(hole);
  sift_down(last->index);
}

std::size_t TimerQueue::fire_due(TimePoint now) noexcept {
  std::size_t fired = 0;
  while (!heap_.empty() && heap_.front()->when <= now) {
    TimerEntry& entry = *heap_.front();
    disarm(entry);
    entry.function(entry);
    ++fired;
  }
  return fired;
}

void TimerQueue::place(std::size_t index, TimerEntry* entry) noexcept {
  heap_[index] = entry;
  entry->index = static_cast<std::uint32_t>(index);
}

void TimerQueue::sift_up(std::size_t index) noexcept {
  TimerEntry* entry = heap_[index];
  while (index > 0) {
    std::size_t parent = (index - 1) / kArity;
    if (heap_[parent]->when <= entry->when) break;
    place(index, heap_[parent]);
    index = parent;
  }
  place(index, entry);
}

void TimerQueue::sift_down(std::size_t index) noexcept {
  TimerEntry* entry = heap_[index];
  for (;;) {
    std::size_t first = index * kArity + 1;
    if (first >= heap_.size()) break;
    std::size_t last = std::min(first + kArity, heap_.size());
    std::size_t least = first;
    for (std::size_t child = first + 1; child < last; ++child) {
      if (heap_[child]->when < heap_[least]->when) least = child;
    }
    if (entry->when <= heap_[least]->when) break;
    place(index, heap_[least]);
    index = least;
  }
  place(index, entry);
}

}  // namespace ringpull::inline v0::engine
