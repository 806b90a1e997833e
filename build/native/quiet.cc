// A tiny addon: TensorFlow prints a paragraph about the processor while its library loads, before any setting can reach
// its logging. `hush()` sends the standard error stream away and `restore()` brings it back; errors of loading are
// thrown, not printed, so nothing is lost.
#include <fcntl.h>
#include <node_api.h>
#include <unistd.h>

namespace {
int saved = -1;

napi_value Hush(napi_env, napi_callback_info) {
  if (saved >= 0) return nullptr;
  int nowhere = open("/dev/null", O_WRONLY);
  if (nowhere < 0) return nullptr;
  saved = dup(STDERR_FILENO);
  if (saved >= 0) dup2(nowhere, STDERR_FILENO);
  close(nowhere);
  return nullptr;
}

napi_value Restore(napi_env, napi_callback_info) {
  if (saved < 0) return nullptr;
  dup2(saved, STDERR_FILENO);
  close(saved);
  saved = -1;
  return nullptr;
}
}  // namespace

NAPI_MODULE_INIT() {
  napi_value hush, restore;
  napi_create_function(env, "hush", NAPI_AUTO_LENGTH, Hush, nullptr, &hush);
  napi_create_function(env, "restore", NAPI_AUTO_LENGTH, Restore, nullptr, &restore);
  napi_set_named_property(env, exports, "hush", hush);
  napi_set_named_property(env, exports, "restore", restore);
  return exports;
}
