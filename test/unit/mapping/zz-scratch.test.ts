import {test} from 'vitest';
import {mappingSchema, mappingSchemaOfFile} from '/work/main/src/mapping/schema.js';
test('x',()=>{console.log(JSON.stringify(mappingSchema()).length, JSON.stringify(mappingSchema()).slice(0,1500));
const r=mappingSchemaOfFile.safeParse({version:2, foo:1, where:'', item:{type:'thread_message', role:{frm:'x'}, content: 5, created_at:{from:3}, metadata:{a:{b:1}, c:[1]}, data:'x'}, items:[{type:'zz'},{}], oversize:'cut', batch:{ignore_roles:['admin']}, tests:[{row:1}]}); console.log(JSON.stringify(r.error?.issues,null,1));
});
