#include "support/stock_age.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "base/text.h"
#include "support/temp_folder.h"

namespace gw::test {
namespace {

void write(const std::string& path, std::string_view data) {
  std::ofstream(path, std::ios::binary).write(data.data(), static_cast<std::streamsize>(data.size()));
}

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

AgeOutput run(const TempFolder& directory, const std::string& command) {
  const std::string line = "cd '" + directory.path() + "' && " + command + " <in >out 2>err";
  if (std::system(line.c_str()) != 0) return {};  // NOLINT(cert-env33-c): arguments are the test's own
  return {true, to_bytes(read(directory.path() + "/out"))};
}

}  // namespace

AgeOutput age_decrypt(ByteView container, std::string_view identity_file) {
  const TempFolder directory;
  write(directory.path() + "/in", as_text(container));
  write(directory.path() + "/key", identity_file);
  return run(directory, "age -d -i key");
}

AgeOutput age_encrypt(ByteView plain, std::string_view recipient) {
  const TempFolder directory;
  write(directory.path() + "/in", as_text(plain));
  return run(directory, "age -r '" + std::string(recipient) + "'");
}

std::string age_keygen() {
  const TempFolder directory;
  write(directory.path() + "/in", "");
  return std::string(as_text(run(directory, "age-keygen").data));
}

std::string age_recipient(std::string_view identity_file) {
  const TempFolder directory;
  write(directory.path() + "/in", identity_file);
  return std::string(trim(as_text(run(directory, "age-keygen -y").data)));
}

}  // namespace gw::test
