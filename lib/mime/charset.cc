#include "mime/charset.h"

#include <iconv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include "base/text.h"
#include "mime/encoding.h"

namespace gw::mime {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";
constexpr std::size_t kMaxWord = 1024;  // RFC 2047 allows 75 bytes; senders exceed that

// Names in lower case, and the name for iconv_open(3) if it differs. Several map to a superset that
// senders actually use: windows-1252 for Latin-1 (as mail programs and the WHATWG Encoding Standard
// do), GBK for gb2312, CP932 and CP949 for the Japanese and Korean names.
constexpr std::pair<std::string_view, const char*> kCharsets[] = {
    {"iso-8859-1", "WINDOWS-1252"},
    {"iso-8859-2", nullptr},
    {"iso-8859-3", nullptr},
    {"iso-8859-4", nullptr},
    {"iso-8859-5", nullptr},
    {"iso-8859-6", nullptr},
    {"iso-8859-7", nullptr},
    {"iso-8859-8", nullptr},
    {"iso-8859-8-i", "ISO-8859-8"},
    {"iso-8859-9", nullptr},
    {"iso-8859-10", nullptr},
    {"iso-8859-11", nullptr},
    {"iso-8859-13", nullptr},
    {"iso-8859-14", nullptr},
    {"iso-8859-15", nullptr},
    {"iso-8859-16", nullptr},
    {"windows-874", "CP874"},
    {"windows-1250", nullptr},
    {"windows-1251", nullptr},
    {"windows-1252", nullptr},
    {"windows-1253", nullptr},
    {"windows-1254", nullptr},
    {"windows-1255", nullptr},
    {"windows-1256", nullptr},
    {"windows-1257", nullptr},
    {"windows-1258", nullptr},
    {"koi8-r", nullptr},
    {"koi8-u", nullptr},
    {"tis-620", nullptr},
    {"big5", nullptr},
    {"gb2312", "GBK"},
    {"gbk", nullptr},
    {"gb18030", nullptr},
    {"shift_jis", "CP932"},
    {"euc-jp", nullptr},
    {"iso-2022-jp", nullptr},
    {"euc-kr", nullptr},
    {"ks_c_5601-1987", "CP949"},
    {"utf-16", nullptr},
    {"utf-16le", nullptr},
    {"utf-16be", nullptr},
};

const char* iconv_name(std::string_view charset) {
  for (const auto& [name, other] : kCharsets)
    if (iequals(name, charset)) return other != nullptr ? other : name.data();
  return nullptr;
}

std::string convert(ByteView data, iconv_t converter) {
  std::string out;
  std::string input(as_text(data));
  char* from = input.data();
  std::size_t left = input.size();
  std::array<char, 4096> piece{};
  while (left > 0) {
    char* to = piece.data();
    std::size_t room = piece.size();
    const std::size_t result = ::iconv(converter, &from, &left, &to, &room);
    const int reason = errno;
    out.append(piece.data(), piece.size() - room);
    // errno was read before append(), which may change it.
    if (result != static_cast<std::size_t>(-1)) break;
    // The output buffer is full. If nothing at all was written, continuing would loop forever.
    if (reason == E2BIG && room < piece.size()) continue;
    out += kReplacement;
    // EINVAL: the text ends within a character. EILSEQ: skip one byte and try again from the next.
    if (reason != EILSEQ) break;
    ++from;
    --left;
  }
  // The converters of windows-1255 and windows-1258 keep back a letter until they know that no
  // combining mark follows it.
  char* to = piece.data();
  std::size_t room = piece.size();
  ::iconv(converter, nullptr, nullptr, &to, &room);
  out.append(piece.data(), piece.size() - room);
  return out;
}

struct Word {
  std::string charset;
  Encoding encoding = Encoding::Base64;
  std::string_view text;
  std::size_t length = 0;  // of the whole encoded word in bytes
};

// Parses the encoded word at the start of `text`: `=?charset[*language]?B|Q?text?=` (RFC 2047
// section 2, RFC 2231 section 5). Searches only kMaxWord bytes, so that a value full of `=?`
// does not take quadratic time.
std::optional<Word> word_at(std::string_view text) {
  text = text.substr(0, kMaxWord);
  if (!text.starts_with("=?")) return std::nullopt;
  const std::size_t charset_end = text.find('?', 2);
  if (charset_end == std::string_view::npos || charset_end + 2 >= text.size()) return std::nullopt;
  const char letter = lower(text[charset_end + 1]);
  if ((letter != 'b' && letter != 'q') || text[charset_end + 2] != '?') return std::nullopt;
  const std::size_t start = charset_end + 3;
  const std::size_t end = text.find("?=", start);
  if (end == std::string_view::npos) return std::nullopt;
  Word word;
  word.charset = lower(text.substr(2, std::min(charset_end, text.find('*', 2)) - 2));
  word.encoding = letter == 'b' ? Encoding::Base64 : Encoding::QuotedPrintable;
  word.text = text.substr(start, end - start);
  word.length = end + 2;
  return word;
}

Bytes decode_word(const Word& word) {
  if (word.encoding == Encoding::Base64) return decode(Encoding::Base64, as_bytes(word.text));
  // The Q encoding is quoted-printable with `_` for a space (RFC 2047 section 4.2).
  std::string text(word.text);
  for (std::size_t at = 0; (at = text.find('_', at)) != std::string::npos; at += 3)
    text.replace(at, 1, "=20");
  return decode(Encoding::QuotedPrintable, as_bytes(text));
}

}  // namespace

std::string to_utf8(ByteView data, std::string_view charset) {
  // The result of iconv is checked by valid_text() too: its output must not be trusted to be valid
  // UTF-8.
  const char* name = iconv_name(trim(charset));
  if (name == nullptr) return valid_text(as_text(data));
  const iconv_t converter = ::iconv_open("UTF-8", name);
  // NOLINTNEXTLINE(performance-no-int-to-ptr): the value that iconv_open documents
  if (converter == reinterpret_cast<iconv_t>(-1)) return valid_text(as_text(data));
  const std::string out = convert(data, converter);
  ::iconv_close(converter);
  return valid_text(out);
}

std::string decode_words(std::string_view value) {
  std::string out;
  std::string charset;
  // Decoded bytes of adjacent words in one character set. They are converted together, because
  // senders cut multi-byte characters between two words although RFC 2047 section 5 forbids it.
  Bytes data;
  const auto flush = [&] {
    if (!data.empty()) out += to_utf8(data, charset);
    data.clear();
  };
  bool after_word = false;
  std::string blanks;  // dropped between two encoded words (RFC 2047 section 6.2)
  for (std::size_t at = 0; at < value.size();) {
    const char c = value[at];
    if (const std::optional<Word> word = c == '=' ? word_at(value.substr(at)) : std::nullopt) {
      if (!after_word || word->charset != charset) flush();
      if (!after_word) out += blanks;
      blanks.clear();
      charset = word->charset;
      append(data, decode_word(*word));
      at += word->length;
      after_word = true;
      continue;
    }
    ++at;
    if (c == ' ' || c == '\t') {
      blanks += c;
      continue;
    }
    flush();
    out += std::exchange(blanks, {}) + c;
    after_word = false;
  }
  flush();
  return valid_text(out + blanks);
}

}  // namespace gw::mime
