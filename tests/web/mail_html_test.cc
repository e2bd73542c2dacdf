// What is left of hostile mail.
#include "web/ui/mail_html.h"

#include <catch2/catch.hpp>
#include <regex>

#include "base/text.h"

using gw::web::harmless_html;

namespace {

// The inside of the document's body.
std::string body_of(std::string_view html) {
  const std::string document = harmless_html(html);
  constexpr std::string_view kBefore = "<!DOCTYPE html>\n<html><head><title></title></head><body>";
  constexpr std::string_view kAfter = "</body></html>\n";
  REQUIRE(document.starts_with(kBefore));
  REQUIRE(document.ends_with(kAfter));
  return document.substr(kBefore.size(), document.size() - kBefore.size() - kAfter.size());
}

// An attribute, an element or a style by which a browser could load, connect or run anything.
bool is_dangerous(const std::string& document) {
  static const std::regex bad(
      "<(link|meta|base|script|style|i?frame|frameset|object|embed|applet|svg|math|video|audio|source|track|"
      "form|input|button|template|portal|fencedframe|noscript)\\b|<[^>]* (on[a-z]+|href|src|srcset|srcdoc|"
      "background|action|formaction|poster|data|ping|cite|longdesc|usemap|manifest|codebase|classid|xlink)="
      "\"(?!data:image/)|"
      "<[^>]*style=\"[^\"]*(url|@|\\\\|expression|image)",
      std::regex::icase);
  return std::regex_search(document, bad);
}

}  // namespace

TEST_CASE("Text, tables and plain formatting of a mail are shown") {
  CHECK(body_of("<p>Hello <b>there</b>, <i>you</i></p>") == "<p>Hello <b>there</b>, <i>you</i></p>");
  CHECK(body_of("<table border=1><tr><td colspan=\"2\" bgcolor='#ff0000'>x</td></tr></table>") ==
        "<table border=\"1\"><tr><td colspan=\"2\" bgcolor=\"#ff0000\">x</td></tr></table>");
  CHECK(body_of("<ul><li>one<li>two</ul>") == "<ul><li>one</li><li>two</li></ul>");
  CHECK(body_of("a<br>b<hr>") == "<p>a<br>b</p><hr>");
  CHECK(body_of("<p>caf\xc3\xa9 &euro; &lt;b&gt; &amp;amp;</p>") ==
        "<p>caf\xc3\xa9 \xe2\x82\xac &lt;b&gt; &amp;amp;</p>");
  CHECK(body_of("<div style=\"color: Red; font-family: 'Segoe UI', Arial; border:1px solid rgb(1, 2, "
                "3)\">x</div>") ==
        "<div style=\"color:red;font-family:segoe ui, arial;border:1px solid rgb(1, 2, 3);\">x</div>");
  CHECK(body_of("<body bgcolor=white><p>x</p></body>") == "<div bgcolor=\"white\"><p>x</p></div>");
  CHECK(body_of("<p>x</p><meta charset=utf-16><p>\xc3\xa9</p>") == "<p>x</p><p>\xc3\xa9</p>");
}

TEST_CASE("The target of a link is shown and cannot be followed") {
  CHECK(body_of("<p><a href=\"https://a.example/?x=1&amp;y\" title=other>here</a></p>") ==
        "<p><a title=\"https://a.example/?x=1&amp;y\">here</a></p>");
}

TEST_CASE("Only images in the mail itself are shown") {
  CHECK(body_of("<p><img src=\"data:image/png;base64,iVBORw0KGgo=\" alt=a width=1></p>") ==
        "<p><img src=\"data:image/png;base64,iVBORw0KGgo=\" alt=\"a\" width=\"1\"></p>");
  for (const char* address : {"https://a.example/x.png", "//a.example/x", "cid:1",
                              "data:image/svg+xml;base64,PHN2Zz4=", "data:text/html,x",
                              "data:image/png;base64,x\" onerror=alert(1) y=\"", "x", ""})
    CHECK(body_of("<p><img alt=a src='" + std::string(address) + "'></p>").find("src") == std::string::npos);
}

TEST_CASE("Mail never loads, connects or runs anything, however it is written or nested") {
  const std::string a = "http://a.example/x";
  const std::vector<std::string> vectors{
      "<link rel=preconnect href=A>",
      "<LINK REL='PreConnect' HREF=A />",
      "<link/rel=\"preconnect\"/href=A>",
      "<link rel=\"x preconnect dns-prefetch\" href=A>",
      "<link\nrel=preconnect\nhref=A\n>",
      "<p><link rel=preconnect href=A></p>",
      "<svg><link rel=preconnect href=A></svg>",
      "<math><mtext><link rel=preconnect href=A></mtext></math>",
      "<!--><link rel=preconnect href=A>-->",
      "<!-- --!><link rel=preconnect href=A> -->",
      "<noscript><link rel=preconnect href=A></noscript>",
      "<template><link rel=preconnect href=A></template>",
      "<title><link rel=preconnect href=A></title>",
      "<textarea></textarea><link rel=preconnect href=A>",
      "<style></style><link rel=preconnect href=A>",
      "<style><link rel=preconnect href=A></style>",
      "<xmp><link rel=preconnect href=A></xmp>",
      "<select><link rel=preconnect href=A></select>",
      "<table><link rel=preconnect href=A></table>",
      "<a title=\"</a><link rel=preconnect href=A>\">x</a>",
      "<p title='\"><link rel=preconnect href=A>'>x</p>",
      "&lt;link rel=preconnect href=A&gt;",
      "<img alt=\"&quot;><link rel=preconnect href=A>\">",
      "<l\0ink rel=preconnect href=A>",
      "<link rel=prefetch href=A>",
      "<link rel=stylesheet href=A>",
      "<iframe src=A></iframe>",
      "<IFRAME SRC=A>",
      "<iframe srcdoc=\"<img src=A>\"></iframe>",
      "<iframe srcdoc='&lt;link rel=preconnect href=A&gt;'>",
      "<frameset><frame src=A></frameset>",
      "<frame src=A>",
      "<object data=A></object>",
      "<embed src=A>",
      "<applet code=A codebase=A></applet>",
      "<meta http-equiv=refresh content='0;url=A'>",
      "<meta http-equiv='x-dns-prefetch-control' content=on>",
      "<base href=A>",
      "<script src=A></script>",
      "<script>fetch('A')</script>",
      "<script type=speculationrules>{\"prefetch\":[{\"urls\":[\"A\"]}]}</script>",
      "<svg><image href=A /></svg>",
      "<svg><use xlink:href=A /></svg>",
      "<svg><script>x</script></svg>",
      "<svg onload=x>",
      "<img src=A>",
      "<img srcset='A 1x'>",
      "<img src=x onerror=alert(1)>",
      "<image src=A>",
      "<input type=image src=A>",
      "<video src=A autoplay></video>",
      "<video poster=A></video>",
      "<audio src=A></audio>",
      "<video><source src=A><track default src=A></video>",
      "<body background=A>",
      "<table background=A>",
      "<div style='background:url(A)'>",
      "<div style=\"background-image:u\\rl(A)\">",
      "<div style='background:u/**/rl(A)'>",
      "<div style='background-color:image-set(\"A\" 1x)'>",
      "<div style='list-style-type:url(A)'>",
      "<div style='width:expression(alert(1))'>",
      "<div style='behavior:url(A);-moz-binding:url(A)'>",
      "<div style='content:url(A)'>",
      "<div style='color:red;}@import url(A);{'>",
      "<style>@import url(A);</style>",
      "<style>@font-face{src:url(A)}</style>",
      "<p style='font-family:\"x;background:url(A)\"'>",
      "<a href='javascript:alert(1)'>x</a>",
      "<a ping=A href=A>x</a>",
      "<form action=A><button formaction=A>x</button>",
      "<q cite=A>x</q>",
      "<blockquote cite=A>x</blockquote>",
      "<portal src=A></portal>",
      "<fencedframe src=A></fencedframe>",
      "<map><area href=A></map>",
      "<html manifest=A>",
      "<p onmouseover=alert(1) onfocus=alert(1) autofocus tabindex=1>x</p>",
      "<?xml-stylesheet href=A?>",
      "<!DOCTYPE html SYSTEM 'A'><p>x</p>",
      "<!ENTITY x SYSTEM 'A'>&x;",
      "<![CDATA[<link rel=preconnect href=A>]]>",
      "<<link rel=preconnect href=A>",
      "<a<link rel=preconnect href=A>",
      "</p/><link rel=preconnect href=A>",
      "<p/onclick=x/style=background:url(A)>",
      "<marquee onstart=x>x</marquee>",
      "<isindex action=A>",
      "<li type='\"><link rel=preconnect href=A>'>",
      "<font face='\"><iframe src=A>'>x</font>"};
  for (std::string vector : vectors) {
    for (std::size_t at; (at = vector.find('A')) != std::string::npos;) vector.replace(at, 1, a);
    for (const std::string& around :
         {std::string("V"), std::string("<html><head>V</head><body>x</body></html>"),
          std::string("<table><tr><td>V<p>x"), std::string("<b><p></b>V</p>")}) {
      std::string mail = around;
      mail.replace(mail.find('V'), 1, vector);
      const std::string document = harmless_html(mail);
      CAPTURE(mail, document);
      CHECK_FALSE(is_dangerous(document));
      // What was written once is not read as something else: a second pass changes nothing of it.
      CHECK_FALSE(is_dangerous(harmless_html(document)));
    }
  }
}

TEST_CASE("Mail of harmful size or depth is cut at little cost", "[one-thread]") {
  const auto many = [](std::string_view piece, std::size_t size = 1 << 20) {
    std::string all;
    while (all.size() < size) all += piece;
    return all;
  };
  for (const char* piece : {"<b>", "<div>", "<table><tr><td>", "</p>", "<p>", "<!--", "<![CDATA[", "<?", "&",
                            "<", "\"", "<a b=\"", "<svg>", "<script>", "</x>"}) {
    CAPTURE(piece);
    const std::string document = harmless_html(many(piece));
    CHECK(document.size() < gw::web::kMaxShownHtml + (64 << 10));
    CHECK_FALSE(is_dangerous(document.substr(0, 2000)));
  }
  std::string attributes = "<p ";
  for (int i = 0; attributes.size() < 1 << 20; ++i) attributes += "a" + std::to_string(i) + " ";
  CHECK(harmless_html(attributes + ">x").size() < 1000);
  CHECK(body_of(many("<b>", 1000) + "deep").find("deep") != std::string::npos);
  CHECK(body_of(many("<b>") + "deep").ends_with("<p>\xe2\x80\xa6</p>"));
}
