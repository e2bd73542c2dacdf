# Generates the C++ source that defines assets() (assets.h) from all files of a directory:
#
#   cmake -D FOLDER=lib/web/ui/assets -D OUTPUT=assets_data.cc -P embed_assets.cmake
#
# It runs at build time. Each file becomes a constant array of bytes.
file(GLOB files ${FOLDER}/*)
# Sorted, so that the same files always give the same program.
list(SORT files)
# The Content-Type by file extension. A file with another extension gets an empty one.
set(types_css "text/css; charset=utf-8")
set(types_js "text/javascript; charset=utf-8")
set(types_svg "image/svg+xml")
set(arrays "")
set(rows "")
foreach(file ${files})
  get_filename_component(name ${file} NAME)
  get_filename_component(extension ${file} LAST_EXT)
  string(SUBSTRING ${extension} 1 -1 extension)
  string(MAKE_C_IDENTIFIER ${name} symbol)
  # CMake cannot hold arbitrary bytes in a variable, hence the detour by hexadecimal digits.
  file(READ ${file} octets HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," octets "${octets}")
  string(APPEND arrays "constexpr char ${symbol}[] = {${octets}};\n")
  string(APPEND rows "    {\"${name}\", \"${types_${extension}}\", {${symbol}, sizeof ${symbol}}},\n")
endforeach()
file(WRITE ${OUTPUT} "#include \"web/ui/assets.h\"

namespace gw::web {
namespace {
${arrays}constexpr Asset kAssets[] = {
${rows}};
}  // namespace

std::span<const Asset> assets() {
  return kAssets;
}
}  // namespace gw::web
")
