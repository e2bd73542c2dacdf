// Generates the OpenAPI 3.1 document from the table of operations.
#include "base/text.h"
#include "base/version.h"
#include "vault/token.h"
#include "web/api/api_private.h"

namespace gw::web::api {
namespace {

Json reference(std::string_view schema) {
  return {{"$ref", "#/components/schemas/" + std::string(schema)}};
}

Json content(const Json& schema) {
  return {{"application/json", {{"schema", schema}}}};
}

// Returns the schema of a response. `[Name]` is one page of a list of such objects.
Json answer_schema(std::string_view answer) {
  if (!answer.starts_with('[')) return reference(answer);
  Json list;
  list["type"] = "object";
  list["additionalProperties"] = false;
  list["required"] = {"items", "next"};
  list["properties"]["items"] = {{"type", "array"},
                                 {"items", reference(answer.substr(1, answer.size() - 2))}};
  list["properties"]["next"] = {{"type", {"integer", "null"}},
                                {"description", "Where the next page begins; null on the last page"}};
  return list;
}

Json parameters_of(const Operation& operation) {
  Json all = Json::array();
  for (const std::string_view piece : split(operation.pattern, '/'))
    if (piece.starts_with(':'))
      all.push_back(
          {{"name", piece.substr(1)}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}}});
  for (const Parameter& each : operation.query)
    all.push_back({{"name", each.name},
                   {"in", "query"},
                   {"description", each.what},
                   {"schema", {{"type", each.type}}}});
  return all;
}

Json answers_of(const Operation& operation) {
  Json all;
  if (operation.answer.empty()) {
    all["204"] = {{"description", "Success"}};
  } else {
    Json body = content(answer_schema(operation.answer));
    // The form `eml` returns the message itself instead of JSON.
    if (operation.answer == "OpenedMessage")
      body["message/rfc822"] = {{"schema", {{"type", "string"}, {"contentEncoding", "binary"}}}};
    all[std::to_string(operation.status)] = {{"description", "Success"}, {"content", body}};
  }
  all["default"] = {{"description", "The operation failed"}, {"content", content(reference("Error"))}};
  return all;
}

Json operation_of(const Operation& operation) {
  Json object;
  object["operationId"] = operation.id;
  object["summary"] = operation.summary;
  if (operation.open) {
    object["security"] = Json::array();
  } else {
    object["description"] = "Needs a token of scope `" + std::string(name(vault::scope_of(operation.scope))) +
                            "`" + (operation.unlimited ? " that is not limited to some names." : ".");
  }
  if (Json parameters = parameters_of(operation); !parameters.empty())
    object["parameters"] = std::move(parameters);
  if (!operation.request.empty())
    object["requestBody"] = {{"required", true}, {"content", content(reference(operation.request))}};
  object["responses"] = answers_of(operation);
  return object;
}

// Returns a pattern in the notation of OpenAPI: `/a/:name` becomes `/a/{name}`.
std::string path_of(std::string_view pattern) {
  std::string path;
  for (const std::string_view piece : split(pattern, '/')) {
    if (piece.empty()) continue;
    path += piece.starts_with(':') ? "/{" + std::string(piece.substr(1)) + "}" : "/" + std::string(piece);
  }
  return path;
}

Json made() {
  Json object;
  object["openapi"] = "3.1.0";
  object["info"] = {
      {"title", "gw-webd"},
      {"version", std::string(version())},
      {"description",
       "Manages a vault of gw. Create tokens in the console. `code` of an error is stable and for programs; "
       "`message` and `hint` are for people, and in English whatever Accept-Language says."}};
  object["security"] = Json::array({Json{{"token", Json::array()}}});
  Json& paths = object["paths"] = Json::object();
  for (const Operation& each : operations())
    paths[path_of(each.pattern)][lower(each.method)] = operation_of(each);
  object["components"]["securitySchemes"]["token"] = {{"type", "http"}, {"scheme", "bearer"}};
  object["components"]["schemas"] = schemas();
  return object;
}

}  // namespace

const Json& document() {
  static const Json all = made();
  return all;
}

}  // namespace gw::web::api
