#include <utility>

#include <ringpull/s3/credentials_chain.hpp>
#include <ringpull/s3/open_s3_driver.hpp>

namespace ringpull::inline v0::s3 {

using engine::Task;

namespace {

Result<http::ClientOptions> make_http_options(const S3DriverParameters& parameters,
                                              const EnvironmentLookup& environment) {
  http::ClientOptions options;
  options.connections_per_origin_max = static_cast<std::size_t>(parameters.connections_max);
  options.tls.skip_verify = parameters.skip_verify;
  options.tls.ca_file = environment("AWS_CA_BUNDLE").value_or("");
  RINGPULL_TRY(options.proxies, http::ProxySettings::from_environment());
  return options;
}

engine::MemoryBudgetOptions make_budget_options(const S3DriverParameters& parameters) {
  engine::MemoryBudgetOptions options;
  options.limit_bytes = static_cast<std::size_t>(memory_budget_bytes(parameters));
  return options;
}

}  // namespace

OpenedS3Driver::OpenedS3Driver() = default;
OpenedS3Driver::~OpenedS3Driver() = default;

/// A key of the configuration, else whatever AWS's chain finds.
CredentialsProvider& OpenedS3Driver::credentials(const S3DriverParameters& parameters,
                                                 const EnvironmentLookup& environment) {
  if (!parameters.access_key.empty() && !parameters.secret_key.empty()) {
    Credentials key(parameters.access_key, parameters.secret_key.clone(),
                    parameters.session_token.clone());
    key.source = "configuration";
    static_ = std::make_unique<StaticCredentialsProvider>(std::move(key));
    return *static_;
  }
  CredentialsServices services(*http_, *metadata_http_, *resolver_);
  services.environment = environment;
  ProfileOptions options;
  // Another server's region is none of Amazon's.
  bool amazon = parameters.region_endpoint.empty();
  if (amazon) options.sts.fallback_region = parameters.region.str();
  refreshing_ =
      std::make_unique<RefreshingCredentialsProvider>(default_credentials_chain(services, options));
  return *refreshing_;
}

Task<void> OpenedS3Driver::close() {
  if (refreshing_) co_await refreshing_->close();
}

Result<std::unique_ptr<OpenedS3Driver>> open_s3_driver(const S3DriverParameters& parameters,
                                                       const OpenS3DriverOptions& options) {
  std::unique_ptr<OpenedS3Driver> opened(new OpenedS3Driver());
  engine::MemoryBudget* budget = options.budget;
  if (budget == nullptr) {
    opened->own_budget_ = std::make_unique<engine::MemoryBudget>(make_budget_options(parameters));
    budget = opened->own_budget_.get();
  }
  opened->pool_ = std::make_unique<engine::BufferPool>(*budget);
  RINGPULL_TRY(opened->resolver_, engine::CaresResolver::create());
  RINGPULL_TRY(http::ClientOptions http_options,
               make_http_options(parameters, options.environment));
  RINGPULL_TRY(opened->http_, http::Client::create(http_options, *opened->resolver_));
  http::ClientOptions direct;
  RINGPULL_TRY(opened->metadata_http_, http::Client::create(direct, *opened->resolver_));
  CredentialsProvider& credentials = opened->credentials(parameters, options.environment);
  RINGPULL_TRY(ClientOptions client_options, make_client_options(parameters));
  client_options.clock = options.clock;
  client_options.log.sink = options.log;
  opened->client_ =
      std::make_unique<Client>(std::move(client_options), *opened->http_, credentials);
  RINGPULL_TRY(S3DriverOptions driver_options, make_driver_options(parameters));
  RINGPULL_TRY(opened->driver_, S3Driver::create(driver_options, *opened->client_, *opened->pool_));
  return opened;
}

}  // namespace ringpull::inline v0::s3
