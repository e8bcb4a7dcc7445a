// SPDX-License-Identifier: Apache-2.0
// Stands in for libnvidia-ml.so.1: two GPUs whose state and calls are files in the folder that FAKE_NVML names.
//
//   calls       one line for every lock and reset; "kept" if the file that `watch` names was there at that moment
//   gpu0, gpu1  the clock in MHz that a GPU is locked to
//   deny-lock, deny-reset   hold the index of a GPU that refuses, or "all"
//   no-driver   is there where initialising fails
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SUCCESS = 0, INVALID = 2, NOT_SUPPORTED = 3, NO_PERMISSION = 4, INSUFFICIENT_SIZE = 7, NO_DRIVER = 9 };

static const unsigned CLOCKS[] = {1980, 1410, 1095, 210};
enum { CLOCK_COUNT = 4, GPUS = 2, IDLE_CLOCK = 345, MEMORY_CLOCK = 2619 };

static void path_of(const char* name, char* path) {
  const char* folder = getenv("FAKE_NVML");
  snprintf(path, 4096, "%s/%s", folder ? folder : ".", name);
}

static int text_of(const char* name, char* text) {
  char path[4096];
  path_of(name, path);
  FILE* file = fopen(path, "r");
  if (!file) return 0;
  text[fread(text, 1, 4095, file)] = '\0';
  fclose(file);
  return 1;
}

static unsigned index_of(void* device) { return (unsigned)((size_t)device - 1); }

static int denied(const char* name, unsigned index) {
  char text[4096];
  return text_of(name, text) && (strncmp(text, "all", 3) == 0 || (unsigned)atoi(text) == index);
}

static void note(const char* what, unsigned index) {
  char path[4096], watched[4096];
  const int kept = text_of("watch", watched) && access(watched, F_OK) == 0;
  path_of("calls", path);
  FILE* file = fopen(path, "a");
  if (!file) abort();
  fprintf(file, "%s %u%s\n", what, index, kept ? " kept" : "");
  fclose(file);
}

int nvmlInit_v2(void) {
  char text[4096];
  return text_of("no-driver", text) ? NO_DRIVER : SUCCESS;
}
int nvmlShutdown(void) { return SUCCESS; }
const char* nvmlErrorString(int code) {
  switch (code) {
    case INVALID: return "Invalid Argument";
    case NOT_SUPPORTED: return "Not Supported";
    case NO_PERMISSION: return "Insufficient Permissions";
    case NO_DRIVER: return "Driver Not Loaded";
    default: return "Unknown Error";
  }
}

int nvmlDeviceGetCount_v2(unsigned* count) {
  *count = GPUS;
  return SUCCESS;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void** device) {
  if (index >= GPUS) return INVALID;
  *device = (void*)(size_t)(index + 1);
  return SUCCESS;
}
int nvmlDeviceGetName(void* device, char* name, unsigned length) {
  snprintf(name, length, "Fake GPU %c", 'A' + (char)index_of(device));
  return SUCCESS;
}
int nvmlDeviceGetUUID(void* device, char* uuid, unsigned length) {
  snprintf(uuid, length, "GPU-0000000%u-0000-4000-8000-000000000000", index_of(device));
  return SUCCESS;
}
int nvmlDeviceGetClockInfo(void* device, int kind, unsigned* clock) {
  char name[16], text[4096];
  if (kind == 2) {
    *clock = MEMORY_CLOCK;
    return SUCCESS;
  }
  if (kind != 1) return INVALID;
  snprintf(name, sizeof name, "gpu%u", index_of(device));
  *clock = text_of(name, text) ? (unsigned)atoi(text) : IDLE_CLOCK;
  return SUCCESS;
}
int nvmlDeviceGetPowerUsage(void* device, unsigned* milliwatts) {
  *milliwatts = 71500;
  return index_of(device) == 0 ? SUCCESS : NOT_SUPPORTED;
}
int nvmlDeviceGetTemperature(void* device, int sensor, unsigned* degrees) {
  (void)device;
  *degrees = 34;
  return sensor == 0 ? SUCCESS : INVALID;
}
#ifdef OLD_DRIVER
int nvmlDeviceGetCurrentClocksThrottleReasons(void* device, unsigned long long* mask) {
#else
int nvmlDeviceGetCurrentClocksEventReasons(void* device, unsigned long long* mask) {
#endif
  *mask = index_of(device) == 0 ? 0x1 : 0x4 | 0x40;
  return SUCCESS;
}
int nvmlDeviceGetSupportedMemoryClocks(void* device, unsigned* count, unsigned* clocks) {
  (void)device;
  if (*count < 1 || !clocks) {
    *count = 1;
    return INSUFFICIENT_SIZE;
  }
  clocks[0] = MEMORY_CLOCK;
  return SUCCESS;
}
int nvmlDeviceGetSupportedGraphicsClocks(void* device, unsigned memory, unsigned* count, unsigned* clocks) {
  (void)device;
  if (memory != MEMORY_CLOCK) return INVALID;
  if (*count < CLOCK_COUNT || !clocks) {
    *count = CLOCK_COUNT;
    return INSUFFICIENT_SIZE;
  }
  memcpy(clocks, CLOCKS, sizeof CLOCKS);
  return SUCCESS;
}

int nvmlDeviceSetGpuLockedClocks(void* device, unsigned low, unsigned high) {
  char what[64], name[16], path[4096];
  if (denied("deny-lock", index_of(device))) return NO_PERMISSION;
  snprintf(what, sizeof what, "lock %u-%u", low, high);
  note(what, index_of(device));
  snprintf(name, sizeof name, "gpu%u", index_of(device));
  path_of(name, path);
  FILE* file = fopen(path, "w");
  if (!file) abort();
  fprintf(file, "%u", high);
  fclose(file);
  return SUCCESS;
}
int nvmlDeviceResetGpuLockedClocks(void* device) {
  char name[16], path[4096];
  if (denied("deny-reset", index_of(device))) return NO_PERMISSION;
  note("reset", index_of(device));
  snprintf(name, sizeof name, "gpu%u", index_of(device));
  path_of(name, path);
  unlink(path);
  return SUCCESS;
}
