/**
 * OpenAPI documents as protocol buffers: the messages of github.com/google/gnostic-models that documents of Kubernetes and
 * extension servers need.
 *
 * A line is a message: `Name field:number:type ...`. The type is `s` string, `b` boolean, `i` integer, `d` double, `any` (YAML in
 * a message), or another message; `[]` means repeated, `=` gives the JSON name if it differs. `x:number` stands for fields that
 * begin with `x-`. A message `Name {number:type}` is a map: each field becomes a named entry of that number. `Name one(...)` is a
 * oneof, decided in encode.ts.
 */

const version2 = `
Document swagger:1:s info:2:Info host:3:s basePath:4:s schemes:5:[]s consumes:6:[]s produces:7:[]s paths:8:Paths definitions:9:Schemas parameters:10:Parameters responses:11:ResponseMap security:12:[]Requirement securityDefinitions:13:SecurityMap tags:14:[]Tag externalDocs:15:Docs x:16
Info title:1:s version:2:s description:3:s termsOfService:4:s contact:5:Contact license:6:License x:7
Contact name:1:s url:2:s email:3:s x:4
License name:1:s url:2:s x:3
Docs description:1:s url:2:s x:3
Tag name:1:s description:2:s externalDocs:3:Docs x:4
Paths {2:PathItem} x:1
PathItem $ref:1:s get:2:Operation put:3:Operation post:4:Operation delete:5:Operation options:6:Operation head:7:Operation patch:8:Operation parameters:9:[]ParameterItem x:10
Operation tags:1:[]s summary:2:s description:3:s externalDocs:4:Docs operationId:5:s produces:6:[]s consumes:7:[]s parameters:8:[]ParameterItem responses:9:Responses schemes:10:[]s deprecated:11:b security:12:[]Requirement x:13
ParameterItem one(1:Parameter,2:Reference)
Reference $ref:1:s description:2:s
Parameters {1:Parameter}
Parameter one(1:Body,2:NonBody)
NonBody one(1:HeaderParameter,2:Form,3:Query,4:PathParameter)
Body description:1:s name:2:s in:3:s required:4:b schema:5:Schema x:6
HeaderParameter required:1:b in:2:s description:3:s name:4:s type:5:s format:6:s items:7:Primitive collectionFormat:8:s default:9:any maximum:10:d exclusiveMaximum:11:b minimum:12:d exclusiveMinimum:13:b maxLength:14:i minLength:15:i pattern:16:s maxItems:17:i minItems:18:i uniqueItems:19:b enum:20:[]any multipleOf:21:d x:22
PathParameter required:1:b in:2:s description:3:s name:4:s type:5:s format:6:s items:7:Primitive collectionFormat:8:s default:9:any maximum:10:d exclusiveMaximum:11:b minimum:12:d exclusiveMinimum:13:b maxLength:14:i minLength:15:i pattern:16:s maxItems:17:i minItems:18:i uniqueItems:19:b enum:20:[]any multipleOf:21:d x:22
Form required:1:b in:2:s description:3:s name:4:s allowEmptyValue:5:b type:6:s format:7:s items:8:Primitive collectionFormat:9:s default:10:any maximum:11:d exclusiveMaximum:12:b minimum:13:d exclusiveMinimum:14:b maxLength:15:i minLength:16:i pattern:17:s maxItems:18:i minItems:19:i uniqueItems:20:b enum:21:[]any multipleOf:22:d x:23
Query required:1:b in:2:s description:3:s name:4:s allowEmptyValue:5:b type:6:s format:7:s items:8:Primitive collectionFormat:9:s default:10:any maximum:11:d exclusiveMaximum:12:b minimum:13:d exclusiveMinimum:14:b maxLength:15:i minLength:16:i pattern:17:s maxItems:18:i minItems:19:i uniqueItems:20:b enum:21:[]any multipleOf:22:d x:23
Primitive type:1:s format:2:s items:3:Primitive collectionFormat:4:s default:5:any maximum:6:d exclusiveMaximum:7:b minimum:8:d exclusiveMinimum:9:b maxLength:10:i minLength:11:i pattern:12:s maxItems:13:i minItems:14:i uniqueItems:15:b enum:16:[]any multipleOf:17:d x:18
Responses {1:ResponseItem} x:2
ResponseItem one(1:Response,2:Reference)
ResponseMap {1:Response}
Response description:1:s schema:2:SchemaOrFile headers:3:Headers examples:4:Examples x:5
SchemaOrFile one(1:Schema,2:File)
File format:1:s title:2:s description:3:s default:4:any required:5:[]s type:6:s readOnly:7:b externalDocs:8:Docs example:9:any x:10
Headers {1:Header}
Header type:1:s format:2:s items:3:Primitive collectionFormat:4:s default:5:any maximum:6:d exclusiveMaximum:7:b minimum:8:d exclusiveMinimum:9:b maxLength:10:i minLength:11:i pattern:12:s maxItems:13:i minItems:14:i uniqueItems:15:b enum:16:[]any multipleOf:17:d description:18:s x:19
Examples {1:any}
Schemas {1:Schema}
Schema $ref:1:s format:2:s title:3:s description:4:s default:5:any multipleOf:6:d maximum:7:d exclusiveMaximum:8:b minimum:9:d exclusiveMinimum:10:b maxLength:11:i minLength:12:i pattern:13:s maxItems:14:i minItems:15:i uniqueItems:16:b maxProperties:17:i minProperties:18:i required:19:[]s enum:20:[]any additionalProperties:21:Additional type:22:Types items:23:Items allOf:24:[]Schema properties:25:Schemas discriminator:26:s readOnly:27:b xml:28:Xml externalDocs:29:Docs example:30:any x:31
Xml name:1:s namespace:2:s prefix:3:s attribute:4:b wrapped:5:b x:6
Additional one(1:Schema,2:b)
Types list(1:s)
Items list(1:Schema)
Requirement {1:Texts}
Texts list(1:s)
SecurityMap {1:Security}
Security one(1:Basic,2:ApiKey,3:Implicit,4:Password,5:Application,6:AccessCode)
Basic type:1:s description:2:s x:3
ApiKey type:1:s name:2:s in:3:s description:4:s x:5
Implicit type:1:s flow:2:s scopes:3:Scopes authorizationUrl:4:s description:5:s x:6
Password type:1:s flow:2:s scopes:3:Scopes tokenUrl:4:s description:5:s x:6
Application type:1:s flow:2:s scopes:3:Scopes tokenUrl:4:s description:5:s x:6
AccessCode type:1:s flow:2:s scopes:3:Scopes authorizationUrl:4:s tokenUrl:5:s description:6:s x:7
Scopes {1:s}
`;

const version3 = `
Document openapi:1:s info:2:Info servers:3:[]Server paths:4:Paths components:5:Components security:6:[]Requirement tags:7:[]Tag externalDocs:8:Docs x:9
Info title:1:s description:2:s termsOfService:3:s contact:4:Contact license:5:License version:6:s x:7 summary:8:s
Contact name:1:s url:2:s email:3:s x:4
License name:1:s url:2:s x:3
Docs description:1:s url:2:s x:3
Tag name:1:s description:2:s externalDocs:3:Docs x:4
Server url:1:s description:2:s x:4
Paths {1:PathItem} x:2
PathItem $ref:1:s summary:2:s description:3:s get:4:Operation put:5:Operation post:6:Operation delete:7:Operation options:8:Operation head:9:Operation patch:10:Operation trace:11:Operation servers:12:[]Server parameters:13:[]ParameterItem x:14
Operation tags:1:[]s summary:2:s description:3:s externalDocs:4:Docs operationId:5:s parameters:6:[]ParameterItem requestBody:7:BodyItem responses:8:Responses deprecated:10:b security:11:[]Requirement servers:12:[]Server x:13
ParameterItem one(1:Parameter,2:Reference)
Reference $ref:1:s summary:2:s description:3:s
Parameter name:1:s in:2:s description:3:s required:4:b deprecated:5:b allowEmptyValue:6:b style:7:s explode:8:b allowReserved:9:b schema:10:SchemaItem example:11:any content:13:MediaTypes x:14
BodyItem one(1:Body,2:Reference)
Body description:1:s content:2:MediaTypes required:3:b x:4
MediaTypes {1:MediaType}
MediaType schema:1:SchemaItem example:2:any x:5
Responses default:1:ResponseItem {2:ResponseItem} x:3
ResponseItem one(1:Response,2:Reference)
Response description:1:s headers:2:Headers content:3:MediaTypes x:5
Headers {1:HeaderItem}
HeaderItem one(1:Header,2:Reference)
Header description:1:s required:2:b deprecated:3:b allowEmptyValue:4:b style:5:s explode:6:b allowReserved:7:b schema:8:SchemaItem example:9:any content:11:MediaTypes x:12
Components schemas:1:Schemas responses:2:ResponseMap parameters:3:Parameters requestBodies:5:Bodies headers:6:Headers securitySchemes:7:SecurityMap x:10
ResponseMap {1:ResponseItem}
Parameters {1:ParameterItem}
Bodies {1:BodyItem}
Schemas {1:SchemaItem}
SchemaItem one(1:Schema,2:Reference)
Schema nullable:1:b readOnly:3:b writeOnly:4:b xml:5:Xml externalDocs:6:Docs example:7:any deprecated:8:b title:9:s multipleOf:10:d maximum:11:d exclusiveMaximum:12:b minimum:13:d exclusiveMinimum:14:b maxLength:15:i minLength:16:i pattern:17:s maxItems:18:i minItems:19:i uniqueItems:20:b maxProperties:21:i minProperties:22:i required:23:[]s enum:24:[]any type:25:s allOf:26:[]SchemaItem oneOf:27:[]SchemaItem anyOf:28:[]SchemaItem not:29:Schema items:30:Items properties:31:Schemas additionalProperties:32:Additional default:33:Default description:34:s format:35:s x:36
Xml name:1:s namespace:2:s prefix:3:s attribute:4:b wrapped:5:b x:6
Additional one(1:SchemaItem,2:b)
Items list(1:SchemaItem)
Default one(1:d,2:b,3:s)
Requirement {1:Texts}
Texts list(1:s)
SecurityMap {1:SecurityItem}
SecurityItem one(1:Security,2:Reference)
Security type:1:s description:2:s name:3:s in:4:s scheme:5:s bearerFormat:6:s openIdConnectUrl:8:s x:9
`;

/** `any`, `s`, `b`, `i`, `d` or a message. */
export interface Member {
  /** JSON name; "" for a map's fields. */
  name: string;
  number: number;
  type: string;
  list: boolean;
}

export interface Shape {
  name: string;
  /** By descending number: messages are written backwards. */
  members: readonly Member[];
  /** The type of a map's entries. */
  entries?: { number: number; type: string };
  /** Number of `x-` fields; 0 when they are ordinary ones. */
  extension: number;
  /** A oneof, or a list of oneofs: the value itself is no object. */
  choices?: readonly { number: number; type: string }[];
  list?: { number: number; type: string };
}

function read(table: string): ReadonlyMap<string, Shape> {
  return new Map(
    table
      .trim()
      .split("\n")
      .map((line) => {
        const [name = "", ...parts] = line.split(" ");
        const members: Member[] = [];
        const shape: Shape = { name, members, extension: 0 };
        for (const part of parts) {
          const pair = (text: string): { number: number; type: string } => {
            const [number = "0", type = ""] = text.split(":");
            return { number: Number(number), type };
          };
          const inner = /^(?:one|list)?[{(](.*)[})]$/.exec(part)?.[1];
          if (inner !== undefined && part.startsWith("one")) shape.choices = inner.split(",").map(pair);
          else if (inner !== undefined && part.startsWith("list")) shape.list = pair(inner);
          else if (inner !== undefined) shape.entries = pair(inner);
          else {
            const [member = "", number = "0", type = ""] = part.split(":");
            if (member === "x") shape.extension = Number(number);
            else
              members.push({
                name: member,
                number: Number(number),
                type: type.replace("[]", ""),
                list: type.startsWith("[]"),
              });
          }
        }
        members.sort((a, b) => b.number - a.number);
        return [name, shape];
      }),
  );
}

let tables: { 2: ReadonlyMap<string, Shape>; 3: ReadonlyMap<string, Shape> } | undefined;

/** The messages of a version by name. */
export function shapesOf(version: 2 | 3): ReadonlyMap<string, Shape> {
  tables ??= { 2: read(version2), 3: read(version3) };
  return tables[version];
}
