#include <algorithm>
#include <charconv>
#include <utility>

#include <ringpull/s3/profile_credentials.hpp>

#include "s3/src/credentials/fetch.hpp"
#include "s3/src/credentials/text_file.hpp"

namespace ringpull::inline v0::s3 {

using engine::Task;

namespace {

std::string path_of(const EnvironmentLookup& environment, std::string_view variable,
                    std::string_view in_home) {
  std::string path = environment(variable).value_or("");
  if (path.empty()) path = in_home;
  return expand_home(std::move(path), environment);
}

std::string config_path(const EnvironmentLookup& environment) {
  return path_of(environment, "AWS_CONFIG_FILE", "~/.aws/config");
}

std::string credentials_path(const EnvironmentLookup& environment) {
  return path_of(environment, "AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials");
}

Task<Result<void>> add_file(ProfileFiles& files, std::string path, ProfileFileKind kind) {
  auto text = co_await read_text_file(path, kProfileFileBytesMax);
  if (!text && text.error().is(ErrorKind::not_found)) co_return Result<void>();
  if (!text) co_return fail(std::move(text).error().with_kind(ErrorKind::unauthenticated));
  auto added = files.add(*text, kind);
  erase_text(*text);
  if (!added) co_return fail(std::move(added).error().context(path));
  co_return Result<void>();
}

std::string quoted(std::string_view name) { return "profile \"" + first_line(name) + "\""; }

Error mistake(std::string_view what) {
  return Error(ErrorKind::unauthenticated, std::string(what));
}

}  // namespace

std::string profile_name(const std::string& name, const EnvironmentLookup& environment) {
  if (!name.empty()) return name;
  for (std::string_view variable : {"AWS_PROFILE", "AWS_DEFAULT_PROFILE"}) {
    std::string value = environment(variable).value_or("");
    if (!value.empty()) return value;
  }
  return "default";
}

Task<Result<ProfileFiles>> read_profile_files(const EnvironmentLookup& environment) {
  ProfileFiles files;
  RINGPULL_CO_CHECK(co_await add_file(files, config_path(environment), ProfileFileKind::config));
  RINGPULL_CO_CHECK(
      co_await add_file(files, credentials_path(environment), ProfileFileKind::credentials));
  co_return files;
}

/// One load: the way from a profile to keys, through any number of roles.
class ProfileSource::Resolution {
 public:
  Resolution(ProfileSource& source, const ProfileFiles& files) : source_(source), files_(files) {}

  Task<Result<Credentials>> resolve(std::string name);

 private:
  const CredentialsServices& services() const { return source_.services_; }
  Task<Result<Credentials>> settings(const std::string& name, const Profile& profile);
  Task<Result<Credentials>> role(const std::string& name, const Profile& profile);
  Task<Result<Credentials>> web_identity(const RoleRequest& role, const Profile& profile);
  Task<Result<Credentials>> caller(const std::string& name, const Profile& profile);
  Task<Result<Credentials>> from_source(const std::string& which);
  Result<Credentials> static_keys(const Profile& profile) const;
  Result<RoleRequest> role_request(const Profile& profile) const;
  Sts sts(const Profile& profile) const;

  ProfileSource& source_;
  const ProfileFiles& files_;
  std::vector<std::string> way_;  // names of the profiles so far
};

Task<Result<Credentials>> ProfileSource::Resolution::resolve(std::string name) {
  const Profile* profile = files_.find(name);
  if (profile == nullptr) {
    co_return fail(mistake(quoted(name) + " is not in " + config_path(services().environment) +
                           " nor in " + credentials_path(services().environment)));
  }
  if (std::find(way_.begin(), way_.end(), name) != way_.end()) {
    co_return fail(mistake(quoted(name) + ": the chain of source_profile comes back to it"));
  }
  way_.push_back(name);
  auto credentials = co_await settings(name, *profile);
  if (!credentials) co_return fail(std::move(credentials).error().context(quoted(name)));
  std::string how = credentials->source;
  credentials->source = how.empty() ? quoted(name) : quoted(name) + ", " + how;
  co_return credentials;
}

Task<Result<Credentials>> ProfileSource::Resolution::settings(const std::string& name,
                                                              const Profile& profile) {
  if (profile.find("role_arn") != nullptr) co_return co_await role(name, profile);
  if (profile.find("aws_access_key_id") != nullptr ||
      profile.find("aws_secret_access_key") != nullptr) {
    co_return static_keys(profile);
  }
  if (const Secret* command = profile.find("credential_process"); command != nullptr) {
    ProcessSource process(std::string(command->reveal()), source_.options_.process);
    auto credentials = co_await process.load();
    co_return credentials;
  }
  if (profile.find("web_identity_token_file") != nullptr) {
    co_return fail(mistake("web_identity_token_file needs role_arn beside it"));
  }
  if (profile.find("sso_session") != nullptr || profile.find("sso_start_url") != nullptr) {
    co_return fail(
        mistake("single sign-on needs a browser; log in with the AWS CLI and write "
                "credential_process = aws configure export-credentials --profile NAME into a "
                "profile of its own"));
  }
  co_return fail(ErrorKind::not_found, "it says nothing about credentials");
}

Result<Credentials> ProfileSource::Resolution::static_keys(const Profile& profile) const {
  const Secret* secret = profile.find("aws_secret_access_key");
  const Secret* token = profile.find("aws_session_token");
  std::string id = profile.text("aws_access_key_id");
  if (id.empty()) return fail(mistake("aws_secret_access_key needs aws_access_key_id beside it"));
  if (secret == nullptr) {
    return fail(mistake("aws_access_key_id needs aws_secret_access_key beside it"));
  }
  return static_credentials(std::move(id), secret->clone(),
                            token == nullptr ? Secret() : token->clone());
}

Result<RoleRequest> ProfileSource::Resolution::role_request(const Profile& profile) const {
  RoleRequest request(profile.text("role_arn"));
  request.session_name = profile.text("role_session_name");
  request.external_id = profile.text("external_id");
  std::string duration = profile.text("duration_seconds");
  if (duration.empty()) return request;
  int seconds = 0;
  auto [end, error] = std::from_chars(duration.data(), duration.data() + duration.size(), seconds);
  // STS takes 15 minutes to 12 hours.
  if (error != std::errc() || end != duration.data() + duration.size() || seconds < 900 ||
      seconds > 43200) {
    return fail(mistake("duration_seconds is no number from 900 to 43200"));
  }
  request.duration = std::chrono::seconds(seconds);
  return request;
}

Sts ProfileSource::Resolution::sts(const Profile& profile) const {
  StsOptions options = source_.options_.sts;
  bool in_environment = !services().environment("AWS_REGION").value_or("").empty() ||
                        !services().environment("AWS_DEFAULT_REGION").value_or("").empty();
  if (options.region.empty() && !in_environment) options.region = profile.text("region");
  return Sts(services(), std::move(options));
}

Task<Result<Credentials>> ProfileSource::Resolution::role(const std::string& name,
                                                          const Profile& profile) {
  RINGPULL_CO_TRY(RoleRequest request, role_request(profile));
  if (profile.find("web_identity_token_file") != nullptr) {
    co_return co_await web_identity(request, profile);
  }
  if (profile.find("mfa_serial") != nullptr) {
    co_return fail(mistake("mfa_serial needs a person; use credential_process instead"));
  }
  RINGPULL_CO_TRY(Credentials who, co_await caller(name, profile));
  Sts service = sts(profile);
  auto credentials = co_await service.assume_role(request, who);
  if (credentials && !who.source.empty()) credentials->source += " by " + who.source;
  co_return credentials;
}

Task<Result<Credentials>> ProfileSource::Resolution::web_identity(const RoleRequest& role,
                                                                  const Profile& profile) {
  std::string path = expand_home(profile.text("web_identity_token_file"), services().environment);
  auto token = co_await read_token_file(std::move(path));
  if (!token) {
    co_return fail(std::move(token)
                       .error()
                       .with_kind(ErrorKind::unauthenticated)
                       .context("web_identity_token_file"));
  }
  Sts service = sts(profile);
  auto credentials = co_await service.assume_role_with_web_identity(role, *token);
  co_return credentials;
}

/// Who asks for the role.
Task<Result<Credentials>> ProfileSource::Resolution::caller(const std::string& name,
                                                            const Profile& profile) {
  std::string base = profile.text("source_profile");
  std::string which = profile.text("credential_source");
  if (!base.empty() && !which.empty()) {
    co_return fail(mistake("source_profile and credential_source exclude each other"));
  }
  if (base == name) co_return static_keys(profile);
  Result<Credentials> credentials =
      fail(mistake("role_arn needs source_profile, credential_source or "
                   "web_identity_token_file beside it"));
  if (!base.empty()) {
    credentials = co_await resolve(base);
  } else if (!which.empty()) {
    credentials = co_await from_source(which);
  }
  // Here it is no longer a place that may have none.
  if (!credentials && credentials.error().is(ErrorKind::not_found)) {
    co_return fail(std::move(credentials).error().with_kind(ErrorKind::unauthenticated));
  }
  co_return credentials;
}

Task<Result<Credentials>> ProfileSource::Resolution::from_source(const std::string& which) {
  Result<Credentials> credentials = fail(
      mistake("credential_source is none of Environment, Ec2InstanceMetadata and EcsContainer"));
  if (which == "Environment") {
    credentials = environment_credentials(services().environment);
  } else if (which == "Ec2InstanceMetadata") {
    credentials = co_await source_.imds_.load();
  } else if (which == "EcsContainer") {
    credentials = co_await source_.container_.load();
  }
  if (!credentials) co_return fail(std::move(credentials).error().context("credential_source"));
  co_return credentials;
}

ProfileSource::ProfileSource(CredentialsServices services, ProfileOptions options)
    : services_(std::move(services)),
      options_(std::move(options)),
      imds_(services_, options_.imds),
      container_(services_, options_.container) {}

std::string ProfileSource::name() const {
  return quoted(profile_name(options_.name, services_.environment));
}

Task<Result<Credentials>> ProfileSource::load() {
  std::string wanted = profile_name(options_.name, services_.environment);
  RINGPULL_CO_TRY(ProfileFiles files, co_await read_profile_files(services_.environment));
  if (files.find(wanted) == nullptr && wanted == "default") {
    co_return fail(ErrorKind::not_found, "it is not in " + config_path(services_.environment) +
                                             " nor in " + credentials_path(services_.environment));
  }
  Resolution resolution(*this, files);
  auto credentials = co_await resolution.resolve(wanted);
  co_return credentials;
}

}  // namespace ringpull::inline v0::s3
