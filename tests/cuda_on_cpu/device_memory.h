/* Device memory may be touched while one of these lives. */
#ifndef JARGON_EMULATOR_DEVICE_MEMORY_H
#define JARGON_EMULATOR_DEVICE_MEMORY_H

namespace emulator {

class DeviceMemory {
public:
  DeviceMemory();
  ~DeviceMemory();
  DeviceMemory(const DeviceMemory &) = delete;
};

} // namespace emulator

#endif
