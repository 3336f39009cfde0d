#include "tools/console/json.hpp"

#include <nlohmann/json.hpp>
#include <utility>

namespace ringpull::tools {

using nlohmann::json;

Json::Json() : value_(std::make_unique<json>()) {}
Json::Json(Truth truth) : value_(std::make_unique<json>(truth.value)) {}
Json::Json(double value) : value_(std::make_unique<json>(value)) {}
Json::Json(std::string_view value) : value_(std::make_unique<json>(value)) {}
Json::Json(Signed number) : value_(std::make_unique<json>(number.value)) {}
Json::Json(Unsigned number) : value_(std::make_unique<json>(number.value)) {}
Json::Json(Json&& other) noexcept = default;
Json& Json::operator=(Json&& other) noexcept = default;
Json::~Json() = default;

Json Json::object() {
  Json made;
  *made.value_ = json::object();
  return made;
}

Json Json::array() {
  Json made;
  *made.value_ = json::array();
  return made;
}

void Json::set(std::string_view key, Json value) {
  (*value_)[std::string(key)] = std::move(*value.value_);
}

void Json::append(Json value) { value_->push_back(std::move(*value.value_)); }

std::string Json::line() const {
  return value_->dump(-1, ' ', false, json::error_handler_t::replace) + '\n';
}

}  // namespace ringpull::tools
