create table squares(n integer primary key, square integer, name text);
with recursive c(x) as (select 1 union all select x + 1 from c where x < 3000)
  insert into squares select x, x * x, 'number ' || x from c;
create index by_name on squares(name);
begin;
delete from squares where n % 2 = 0;
select count(*) from squares;
rollback;
select count(*), sum(square) from squares;
select n from squares where name = 'number 2718';
pragma integrity_check;
