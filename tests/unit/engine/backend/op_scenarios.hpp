#pragma once
// For op_matrix_test.cpp, which puts each scenario through completion, stops, deadlines and a full
// queue. An OpCode that is added gets a row here.

#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

#include <ringpull/engine/backend.hpp>
#include <ringpull/engine/op.hpp>

namespace ringpull::engine {

/// What a scenario may need of its test.
struct World {
  Backend& backend;
  std::string directory;
};

/// One operation, with the sockets or files around it that it needs. Made ready to be performed
/// once; one that waits ends only after let_finish().
class OpScenario {
 public:
  virtual ~OpScenario() = default;
  OpScenario() = default;
  OpScenario(const OpScenario&) = delete;
  OpScenario& operator=(const OpScenario&) = delete;

  virtual void describe(Op& op) = 0;
  virtual void let_finish() {}
  /// Whether `result` and what it has done to the world are right.
  virtual ::testing::AssertionResult finished(int result) = 0;
  /// Whether nothing has been done.
  virtual ::testing::AssertionResult untouched() { return ::testing::AssertionSuccess(); }
};

struct ScenarioType {
  const char* name;
  bool waits;             ///< until let_finish()
  bool let_finish_works;  ///< at once; a pending connect needs seconds
  std::unique_ptr<OpScenario> (*make)(const World& world, int number);
};

const std::vector<ScenarioType>& scenario_types();

}  // namespace ringpull::engine
