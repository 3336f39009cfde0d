#pragma once
// The steps of `ringpull check`. Each asks one thing of the storage and gives a few words about
// what it found; before a request it tells the probe which permission that needs, and after it the
// facts that it has shown. Stopped or failed, they leave to clean_up() what they wrote.

#include <string>

#include <ringpull/engine/task.hpp>

#include "tools/check/probe.hpp"

namespace ringpull::tools {

using StepOutcome = Result<std::string>;

// setup_steps.cpp
engine::Task<StepOutcome> find_credentials(Probe& probe);
engine::Task<StepOutcome> find_address(Probe& probe);
/// An unsigned request: names, routes, TLS and clocks, apart from everything about keys.
engine::Task<StepOutcome> connect(Probe& probe);
/// A listing, since only its refusal says why: HEAD has no body.
engine::Task<StepOutcome> find_bucket(Probe& probe);
engine::Task<StepOutcome> compare_region(Probe& probe);

// object_steps.cpp
engine::Task<StepOutcome> put_object(Probe& probe);
engine::Task<StepOutcome> list_objects(Probe& probe);
engine::Task<StepOutcome> head_object(Probe& probe);
engine::Task<StepOutcome> read_range(Probe& probe);
/// S3 says "not found" only to those who may list; a registry asks for missing files all the time.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html, "Permissions"
engine::Task<StepOutcome> read_missing(Probe& probe);
engine::Task<StepOutcome> copy_object(Probe& probe);
engine::Task<StepOutcome> delete_objects(Probe& probe);
/// With --read-only: something to read, among the first keys below rootdirectory.
engine::Task<StepOutcome> find_object(Probe& probe);

// upload_steps.cpp
engine::Task<StepOutcome> begin_upload(Probe& probe);
engine::Task<StepOutcome> list_uploads(Probe& probe);
engine::Task<StepOutcome> list_parts(Probe& probe);
engine::Task<StepOutcome> complete_upload(Probe& probe);
/// As the driver moves files above multipartcopythresholdsize.
engine::Task<StepOutcome> copy_parts(Probe& probe);
engine::Task<StepOutcome> abort_upload(Probe& probe);
/// Makes an object of the upload under way.
engine::Task<Result<void>> finish_upload(Probe& probe);

// fetch_steps.cpp: what clients of the registry are redirected to
engine::Task<StepOutcome> presigned_get(Probe& probe);
engine::Task<StepOutcome> presigned_head(Probe& probe);
engine::Task<StepOutcome> sign_for_middleware(Probe& probe);
engine::Task<StepOutcome> fetch_from_middleware(Probe& probe);

// middleware_steps.cpp: what the cloudfront middlewares need to decide and sign
/// A file that is not there yet is no failure: a successor's may come later.
engine::Task<StepOutcome> examine_keys(Probe& probe);
engine::Task<StepOutcome> find_networks(Probe& probe);

// cleanup.cpp
/// Deletes what the steps have left and ends uploads, all that it can; its error names the rest.
/// Under a deadline of its own: runs when the check is stopped, too.
engine::Task<StepOutcome> clean_up(Probe& probe);
/// Lists what lies below the prefix, and the uploads there.
engine::Task<StepOutcome> verify_nothing_left(Probe& probe);

}  // namespace ringpull::tools
