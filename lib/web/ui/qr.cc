// Draws the QR code of a second factor's secret.
#include <qrencode.h>

#include <memory>

#include "web/totp.h"
#include "web/ui/html.h"

namespace gw::web {

std::string qr_svg(std::string_view text, std::string_view title) {
  constexpr int kQuiet = 4;  // modules of white border (ISO/IEC 18004)
  const std::unique_ptr<QRcode, decltype(&QRcode_free)> code(
      QRcode_encodeString8bit(std::string(text).c_str(), 0, QR_ECLEVEL_M), &QRcode_free);
  if (!code) return {};
  std::string path;
  for (int y = 0; y < code->width; ++y) {
    for (int x = 0; x < code->width; ++x) {
      if ((code->data[y * code->width + x] & 1) == 0) continue;
      // One square per dark module, in a single path element.
      path += "M" + std::to_string(x + kQuiet) + " " + std::to_string(y + kQuiet) + "h1v1h-1z";
    }
  }
  const std::string side = std::to_string(code->width + 2 * kQuiet);
  return tag("svg",
             {{"class", "qr"},
              {"viewBox", "0 0 " + side + " " + side},
              {"role", "img"},
              {"aria-label", title},
              {"shape-rendering", "crispEdges"},
              {"width", "240"},
              {"height", "240"}},
             // A white background also in dark mode: many cameras do not read inverted codes.
             tag("rect", {{"width", side}, {"height", side}, {"fill", "#fff"}}) +
                 tag("path", {{"d", path}, {"fill", "#000"}}))
      .take();
}

}  // namespace gw::web
