// The heap of timers against a sorted reference.

#include <algorithm>
#include <gtest/gtest.h>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <ringpull/engine/timer_queue.hpp>

namespace ringpull::engine {
namespace {

struct Entry : TimerEntry {
  explicit Entry(std::vector<Entry*>& log) : TimerEntry(&Entry::on_fire), fired(&log) {}
  static void on_fire(TimerEntry& entry) noexcept {
    auto& self = static_cast<Entry&>(entry);
    EXPECT_FALSE(self.armed());
    self.fired->push_back(&self);
  }
  std::vector<Entry*>* fired;
};

TimePoint at(std::int64_t nanoseconds) { return TimePoint(Duration(nanoseconds)); }

TEST(TimerQueue, IsIdleWhenEmpty) {
  TimerQueue queue;
  EXPECT_EQ(queue.next(), TimePoint::max());
  EXPECT_EQ(queue.fire_due(TimePoint::max()), 0U);
}

TEST(TimerQueue, FiresWhatIsDueAndNothingElse) {
  std::vector<Entry*> fired;
  TimerQueue queue;
  Entry early(fired);
  Entry late(fired);
  queue.arm(late, at(20));
  queue.arm(early, at(10));
  EXPECT_EQ(queue.next(), at(10));
  EXPECT_EQ(queue.fire_due(at(9)), 0U);
  EXPECT_EQ(queue.fire_due(at(10)), 1U);
  EXPECT_EQ(fired, (std::vector<Entry*>{&early}));
  EXPECT_EQ(queue.fire_due(at(1000)), 1U);
  EXPECT_EQ(queue.size(), 0U);
}

TEST(TimerQueue, MovesAnEntryThatIsArmedAgain) {
  std::vector<Entry*> fired;
  TimerQueue queue;
  Entry entry(fired);
  queue.arm(entry, at(10));
  queue.arm(entry, at(30));
  EXPECT_EQ(queue.size(), 1U);
  EXPECT_EQ(queue.fire_due(at(29)), 0U);
  EXPECT_EQ(queue.fire_due(at(30)), 1U);
}

TEST(TimerQueue, AgreesWithASortedListOverRandomOperations) {
  auto seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::vector<Entry*> fired;
  std::vector<std::unique_ptr<Entry>> entries;
  for (int i = 0; i < 300; ++i) entries.push_back(std::make_unique<Entry>(fired));
  std::vector<Entry*> armed;  // the reference
  TimerQueue queue;
  std::int64_t now = 0;
  for (int step = 0; step < 50'000; ++step) {
    Entry& entry = *entries[random() % entries.size()];
    auto action = random() % 10;
    if (action < 6) {
      if (!entry.armed()) armed.push_back(&entry);
      queue.arm(entry, at(now + static_cast<std::int64_t>(random() % 1000)));
    } else if (action < 9) {
      if (entry.armed()) std::erase(armed, &entry);
      queue.disarm(entry);
      EXPECT_FALSE(entry.armed());
    } else {
      now += static_cast<std::int64_t>(random() % 100);
      std::vector<Entry*> due;
      for (Entry* candidate : armed) {
        if (candidate->when <= at(now)) due.push_back(candidate);
      }
      std::erase_if(armed, [&](Entry* candidate) { return candidate->when <= at(now); });
      fired.clear();
      ASSERT_EQ(queue.fire_due(at(now)), due.size());
      ASSERT_TRUE(std::is_sorted(fired.begin(), fired.end(),
                                 [](Entry* a, Entry* b) { return a->when < b->when; }));
      std::sort(fired.begin(), fired.end());
      std::sort(due.begin(), due.end());
      ASSERT_EQ(fired, due);
    }
    TimePoint next = TimePoint::max();
    for (Entry* candidate : armed) next = std::min(next, candidate->when);
    ASSERT_EQ(queue.next(), next);
    ASSERT_EQ(queue.size(), armed.size());
  }
  for (auto& entry : entries) queue.disarm(*entry);
  EXPECT_EQ(queue.next(), TimePoint::max());
}

}  // namespace
}  // namespace ringpull::engine
