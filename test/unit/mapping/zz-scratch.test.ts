import {test} from 'vitest';
import {readFileSync} from 'node:fs';
import {loadMapping, parseMapping} from '../../../src/mapping/index.js';
const src=(id:string,format:any='json')=>({id,index:0,format,bytes:1,compression:'none'} as const);
test('x',async ()=>{
 for (const [f,files] of [['locomo',['26','30','41','42','43','44','47','48','49','50'].map(n=>'locomo/'+n+'.json')],['sgd',['001','005','012','019'].map(n=>`schema-guided-dialogue/dev_${n}.json`)]] as const) {
  const m=await loadMapping(`fixtures/mappings/${f}.yaml`); const mapper=m.compile({}); const out:any={items:[],rejections:[]};
  for (const file of files){ const v=JSON.parse(readFileSync('/work/shared/data/'+file,'utf8')); const recs=Array.isArray(v)?v:[v]; recs.forEach((r,i)=>mapper.map({kind:'record',value:r,position:{source:src(file),ordinal:i,line:1,byteStart:0,byteEnd:1}},out)); }
  console.log(f,out.items.length,out.rejections.length,out.rejections.slice(0,3),JSON.stringify(out.items[0]),JSON.stringify(out.items.at(-1)), mapper.notices(), [...m.columnsUsed], m.fingerprint);
 }
 for (const t of ['version: 1\nitem:\n  type: thread_message\n  role: usr\n  contnt: {{ x }}\n','version: 1\nitem:\n  type: thread_message\n  role: usr\n  contnt: x\n  created: now\n','version: 1\nwhere: status = 1\nitem:\n  type: thread_message\n  role: usr\n  content: "a {{ lowr(x) }}"\n  created_at: {from: a, format: YYYY-MM-DD, zone: Europe/Lisbn}\n', 'where: !x', '', 'version: 2']) { try { parseMapping(t,'map.yaml'); console.log('ok') } catch(e:any){ console.log(e.message, '|', e.hint, e.code) } }
});
