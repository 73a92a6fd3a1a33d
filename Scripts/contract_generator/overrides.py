"""Where the contract file and what clients really send differ, and what is done about it.

Numbers in brackets are the points of the management reference's list of traps.
"""

# Property types that decode more than the contract's type; each is written by hand in
# Sources/WireContract/LenientValues.swift. The key is schema.property.
PROPERTY_TYPES = {
    "BackendApi.retry_count": "NumberText",  # [6.15] a number is taken, text is given
    "BackendApiCreate.retry_count": "NumberText",
    "ApiPolicyHttpCreate.retry_count": "NumberText",
    "ApiPolicyHttpResp.retry_count": "NumberText",
    "FeatureToggleV2.config": "JSONText",  # [6.30] a raw object is taken and kept as text
    "CreateDictionary.order": "NumberText",  # text is taken too
    "UpdateDictionary.order": "NumberText",
    "User.roles": "WordList",  # [6.20] one text of words parted by commas is taken
}

# Second spellings of a property; the first one wins when both are present.
ALIASES = {
    "AclBindingBatchDelete.acl_bindings": ["acl-bindings"],  # [6.1]
    "AuthOpt.app_code_auth_type": ["auth_code_auth_type"],  # [6.16]
}

# Schemas of which a list of one is taken in place of the object.
LIST_OF_ONE = {"AuthOpt"}  # [6.16]

# Words that are read as another one before the enumeration is checked.
SPELLINGS = {
    "AppQuotaCreate.time_unit": {"HOURE": "HOUR"},  # [6.24]
}

# Enumerations that the vendor's SDK goes beyond: backend policies by other origins (gateway-runtime.md, 4.6 and O33).
_ORIGINS = ["system", "cookie", "frontend_authorizer", "orchestration"]
# gRPC, which only the twin product's contract has (gateway-runtime.md, 4.5).
_GRPC = ["GRPC", "GRPCS"]
EXTRA_WORDS = {
    "ApiCreate.req_protocol": ["GRPCS"],
    "ApiCreate.backend_type": ["GRPC"],
    "BackendApiCreate.req_protocol": _GRPC,
    "ApiPolicyHttpCreate.req_protocol": _GRPC,
    "BackendApi.req_protocol": _GRPC,
    "ApiPolicyHttpResp.req_protocol": _GRPC,
    "ApiConditionCreate.condition_origin": _ORIGINS,
    "ConditionResp.condition_origin": _ORIGINS,
    "ApiConditionCreate.sys_param_name": ["reqPath", "reqMethod"],  # older spellings
    "ConditionResp.sys_param_name": ["reqPath", "reqMethod"],
}
# Properties that clients of the twin product send and get.
_MAPPED = {
    "frontend_authorizer_param_name": {"type": "string", "maxLength": 255},
    "mapped_param_name": {"type": "string", "maxLength": 128},
    "mapped_param_location": {"type": "string", "enum": ["query", "header"]},
}
_ENCODED = {"is_send_fg_body_base64": {"type": "boolean"}}
EXTRA_PROPERTIES = {
    "ApiCreate": _ENCODED,
    "ListApiVersionDetailV2Response": _ENCODED,
    "ApiConditionCreate": {"req_param_location": {"type": "string", "enum": ["PATH", "QUERY", "HEADER"]}, **_MAPPED},
    "ConditionResp": _MAPPED,
}

# Enumerations that also take an empty text: clients write every field, set or not.
EMPTY_WORDS = {"BaseSignature.sign_algorithm"}

# Texts whose pattern is not checked: any name of a feature that is not one is answered as unrecognized.
FREE_TEXTS = {"FeatureToggleV2.name"}

# Enumerations in which case does not matter; the value is kept as sent.
CASELESS = {"VpcHealthConfig.protocol"}  # [6.14]

# Length limits of numbers are their range. [6.13]
RANGES = {
    "AppQuotaCreate.call_limits": (1, 2147483647),
    "AppQuotaCreate.time_interval": (1, 2147483647),
}

# Patterns which the contract states wrongly.
PATTERNS = {
    # [6.34] the lengths beside it say 1 to 65
    "^[a-zA-Z0-9-_]{0,64}$": "^[a-zA-Z0-9-_]{0,65}$",
    # a slip for {32}; integration applications may also have hyphenated ids
    "[0-9a-f](32)": "^[a-zA-Z0-9-_]{1,65}$",
    # escaped once too often: it would ask for a backslash before the slash
    r"^\\/[\\/\\.a-zA-Z0-9_-]{1,255}$": r"^/[/.a-zA-Z0-9_-]{1,255}$",
    r"^[a-zA-Z][a-zA-Z0-9._\\/-]{0,31}$": r"^[a-zA-Z][a-zA-Z0-9._/-]{0,31}$",
}

# What is not limited by the contract is limited here: characters of a text, elements of a list.
DEFAULT_MAX_LENGTH = 65535
DEFAULT_MAX_ITEMS = 10000
MAX_LENGTHS = {
    "ApiDebugInfo.body": 2097152,
    "LdApiScript.content": 2097152,
    "LdApiScriptBase.content": 2097152,
    "LdApiTest.body": 2097152,
}

# Query parameters that the contract calls mandatory and clients leave out. [6.33]
OPTIONAL_QUERY = {"list_certificates_v2.instance_id"}
# Query parameters that clients send and the contract does not list (management reference, 3.22).
EXTRA_QUERY = {
    "export_api_definitions_v2": [{"name": "oas_version", "in": "query", "required": False, "schema": {"type": "string"}}],
}
# Bodies that the contract calls mandatory and that may be left out: nothing in them is. (management-api.md, 1.9)
OPTIONAL_BODIES = {"reset_roma_app_secret"}
# Query parameters with checks and texts of their own (`action` of batch operations).
ACTION_QUERY = "action"
# Paging parameters are whole numbers everywhere, whatever the schema says.
PAGING = {"offset", "limit"}
